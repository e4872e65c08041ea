/** Finds one sequence of bytes within others. */
export class ByteFinder {
  readonly #needle: Uint8Array;

  /** @param needle The bytes to look for; empty ones are found everywhere */
  constructor(needle: Uint8Array) {
    this.#needle = needle.slice();
  }

  /**
   * The offset of the needle's first occurrence in `haystack` at or after
   * `from` (default: 0), or -1.
   */
  find(haystack: Uint8Array, from: number = 0): number {
    const needle = this.#needle;
    const last = haystack.length - needle.length;
    if (needle.length === 0) return from <= haystack.length ? from : -1;
    for (
      let at = haystack.indexOf(needle[0], from);
      at >= 0 && at <= last;
      at = haystack.indexOf(needle[0], at + 1)
    ) {
      let same = 1;
      while (same < needle.length && haystack[at + same] === needle[same]) {
        same++;
      }
      if (same === needle.length) return at;
    }
    return -1;
  }

  /** Gives back the memory that the finder holds. */
  [Symbol.dispose](): void {}
}
