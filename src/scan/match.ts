/** Where a pattern matched in a stream of bytes. */
export interface Match {
  /** The pattern, as {@linkcode Scanner.add} named it. */
  id: number;
  /** Offset in the raw stream, in bytes, just after the match's last byte. */
  end: number;
  /**
   * Offset in the raw stream, in bytes, of the match's first byte: the leftmost
   * from which the pattern matches up to `end`. Only with `text`, and only if
   * the match lies within the scanner's window.
   */
  start?: number;
  /**
   * The match's text and capture groups, as V8 finds them in just that text
   * when they are asked for. Only with `text`, like `start`.
   */
  readonly groups?: RegExpMatchArray;
}

/** What to report of one pattern's matches. */
export interface PatternOptions {
  /** Also report where a match starts, and its capture groups. Default: false. */
  text?: boolean;
  /** Report its first match only, after which it is no longer wanted. Default: false. */
  once?: boolean;
}
