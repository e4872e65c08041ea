/** A set of bytes, as 256 bits. */
export class ByteSet {
  /** Bit `byte & 31` of word `byte >> 5` says whether a byte is in the set. */
  readonly words: Uint32Array = new Uint32Array(8);

  /** Adds the bytes from `low` to `high`. */
  add(low: number, high: number = low): this {
    for (let byte = low; byte <= high; byte++) {
      this.words[byte >> 5] |= 1 << (byte & 31);
    }
    return this;
  }

  has(byte: number): boolean {
    return (this.words[byte >> 5] >>> (byte & 31) & 1) === 1;
  }

  /** The bytes of both. */
  union(other: ByteSet): ByteSet {
    const both = new ByteSet();
    for (let i = 0; i < 8; i++) both.words[i] = this.words[i] | other.words[i];
    return both;
  }
}
