// @ts-nocheck: AssemblyScript, which has types of its own

// Makes lines from raw bytes: each line end, `\n`, `\r\n` or a lone `\r`,
// becomes `\n`. It also notes whether the text has other than plain characters.

/** Where the last complete line ends in the output; 0 if there is none. */
export let linesEnd: usize = 0;
/**
 * Whether the complete lines have other bytes than printable ASCII and tabs …
 */
export let linesSpecial: bool = false;
/** … and whether the rest has. */
export let restSpecial: bool = false;
/**
 * Whether the last byte was a `\r`. Then a `\n` after it ends no other line.
 */
export let afterReturn: bool = false;

/**
 * Writes the text of `length` bytes at `from` to `output`. Returns its length.
 */
export function splitLines(
  from: usize,
  length: usize,
  output: usize,
  wasReturn: bool,
): usize {
  linesEnd = 0;
  linesSpecial = false;
  restSpecial = false;
  afterReturn = wasReturn;
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
  return to - output;
}
