// Room for a character with carriage returns around it, which do not count.
const leastKept = 16;

/** The last bytes of a stream, for searches that look back. */
export class Tail {
  readonly #window: number;
  #buffer = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #base = 0;

  /** @param window How many bytes before the latest ones to keep at least */
  constructor(window: number) {
    this.#window = window;
  }

  /** The kept bytes, valid until the next append. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Where in the stream the kept bytes begin. */
  get base(): number {
    return this.#base;
  }

  /** Skips bytes, and keeps only the last ones: assertions look at them. */
  skip(bytes: Uint8Array): void {
    if (bytes.length >= leastKept) {
      this.#base += this.#end - this.#start + bytes.length - leastKept;
      this.#start = this.#end = 0;
      this.append(bytes.subarray(bytes.length - leastKept));
    } else {
      this.append(bytes);
      const surplus = Math.max(0, this.#end - this.#start - leastKept);
      this.#start += surplus;
      this.#base += surplus;
    }
  }

  /** Adds the latest bytes and forgets the oldest. */
  append(bytes: Uint8Array): void {
    const length = this.#end - this.#start;
    const surplus = Math.max(0, length - this.#window);
    this.#start += surplus;
    this.#base += surplus;
    const needed = length - surplus + bytes.length;
    if (this.#end + bytes.length > this.#buffer.length) {
      // Twice the necessary size, so that many appends move the bytes only
      // once.
      const buffer = needed * 2 > this.#buffer.length
        ? new Uint8Array(Math.max(4096, needed * 2))
        : this.#buffer;
      buffer.set(this.bytes);
      this.#buffer = buffer;
      this.#end = needed - bytes.length;
      this.#start = 0;
    }
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }
}
