/** Bytes that are added at the end and taken all at once. */
export class GrowingBytes {
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The bytes, valid until the next change. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }

  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) {
      const buffer = new Uint8Array(Math.max(256, length * 2));
      buffer.set(this.bytes);
      this.#buffer = buffer;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = length;
  }

  /** Drops bytes at the beginning. */
  dropFirst(count: number): void {
    this.#buffer.copyWithin(0, count, this.#length);
    this.#length -= count;
  }

  /**
   * Drops all bytes, and also the memory if it has grown beyond `keep` bytes.
   */
  clear(keep: number = 4096): void {
    this.#length = 0;
    if (this.#buffer.length > keep) this.#buffer = new Uint8Array(0);
  }
}
