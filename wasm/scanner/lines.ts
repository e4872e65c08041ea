// @ts-nocheck: AssemblyScript, which has types of its own

// Makes lines from raw bytes: each line end, `\n`, `\r\n` or a lone `\r`,
// becomes `\n`. It also notes whether the text has other than plain characters.

/**
 * What a piece has become. TypeScript owns it, and reads its words in this
 * order (src/scan/line_splitter.ts).
 */
@unmanaged
export class Lines {
  /** Bytes of the output. */
  length: u32;
  /** Where the last complete line ends in the output; 0 if there is none. */
  end: u32;
  /**
   * 1 if the complete lines have other bytes than printable ASCII and tabs,
   * otherwise 0 …
   */
  special: u32;
  /** … and the same of the rest after them. */
  restSpecial: u32;
  /**
   * 1 if the last byte was a `\r`: a `\n` after it ends no other line. The
   * caller leaves it as it is from piece to piece of a stream.
   */
  afterReturn: u32;
}

/** Writes the text of `length` bytes at `from` to `output`. */
export function splitLines(
  from: usize,
  length: usize,
  output: usize,
  lines: Lines,
): void {
  let linesEnd: usize = 0;
  let linesSpecial = false;
  let restSpecial = false;
  let afterReturn = lines.afterReturn != 0;
  const space = i8x16.splat(32);
  const last = i8x16.splat(126);
  const end = from + length;
  let at = from;
  let to = output;
  while (at < end) {
    const block = v128.load(at);
    v128.store(to, block);
    const special = <u32> i8x16.bitmask(
      v128.or(i8x16.lt_u(block, space), i8x16.gt_u(block, last)),
    );
    const plain = min<usize>(special == 0 ? 16 : ctz(special), end - at);
    if (plain > 0) {
      at += plain;
      to += plain;
      afterReturn = false;
      if (plain == 16 || at == end) continue;
    }
    const byte = load<u8>(at++);
    if (byte == 10 || byte == 13) {
      if (!afterReturn) {
        store<u8>(to, 10);
        to++;
        linesEnd = to - output;
        linesSpecial = linesSpecial || restSpecial;
        restSpecial = false;
      }
      afterReturn = byte == 13;
    } else {
      store<u8>(to, byte);
      to++;
      afterReturn = false;
      if (byte != 9) restSpecial = true;
    }
  }
  lines.length = <u32> (to - output);
  lines.end = <u32> linesEnd;
  lines.special = <u32> linesSpecial;
  lines.restSpecial = <u32> restSpecial;
  lines.afterReturn = <u32> afterReturn;
}
