/**
 * How many bytes `TextDecoder` would take at `at` for one character: a whole
 * sequence, or the longest beginning of an incomplete one (which becomes one
 * U+FFFD). 0 if the bytes end too early to know.
 */
export function characterLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at];
  if (lead < 0xc2 || lead > 0xf4) return 1;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  for (let i = 1; i < length; i++) {
    if (at + i >= bytes.length) return 0;
    const low = i > 1
      ? 0x80
      : lead === 0xe0
      ? 0xa0
      : lead === 0xf0
      ? 0x90
      : 0x80;
    const high = i > 1
      ? 0xbf
      : lead === 0xed
      ? 0x9f
      : lead === 0xf4
      ? 0x8f
      : 0xbf;
    if (bytes[at + i] < low || bytes[at + i] > high) return i;
  }
  return length;
}

/**
 * How many bytes at the end of `bytes` are the beginning of a character whose
 * rest has not come yet (0 to 3).
 */
export function unfinishedTail(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back];
    if (byte >= 0xc0) {
      return characterLength(bytes, bytes.length - back) === 0 ? back : 0;
    }
    if (byte < 0x80) return 0;
  }
  return 0;
}
