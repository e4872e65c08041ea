/** Where a pattern matched in a stream of bytes. */
export interface Match {
  /** The number that {@linkcode Scanner.add} gave the pattern. */
  id: number;
  /** Offset in the raw stream, in bytes, just after the match's last byte. */
  end: number;
  /**
   * Offset in the raw stream, in bytes, of the match's first byte: the leftmost
   * from which the pattern matches up to `end`. It is there only with the
   * option `text`, and only if the match lies within the scanner's window.
   */
  start?: number;
  /**
   * The match's text and capture groups. V8 looks for them in the matched text
   * alone, when somebody reads them. They are there if `start` is.
   */
  readonly groups?: RegExpMatchArray;
}

/** What to report of the matches of one pattern. */
export interface PatternOptions {
  /**
   * Whether to report also where a match starts, and its capture groups.
   *
   * @default {false}
   */
  text?: boolean;
  /**
   * Whether to search only for the first match, and then no longer.
   *
   * @default {false}
   */
  once?: boolean;
}
