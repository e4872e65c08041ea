// A character, even with carriage returns around it that don't count.
const leastKept = 16;

/** The last bytes of a stream, for what has to look back. */
export class Tail {
  readonly #window: number;
  #buffer = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #base = 0;

  /** @param window How many bytes before the latest ones are kept at least */
  constructor(window: number) {
    this.#window = window;
  }

  /** What is kept, valid until the next append. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Where in the stream that begins. */
  get base(): number {
    return this.#base;
  }

  /** Lets bytes go by, but for the last ones, which say what the next ones follow. */
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
      // Twice what is needed, so that bytes are moved once for many appends.
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
