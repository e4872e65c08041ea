/** Bytes that one read takes at most. */
const most = 64 * 1024;

/**
 * Reads a pipe into one buffer. A stream's own reader takes a new buffer of 64
 * KiB for each read, and a guest's console often gives a few bytes at a time.
 */
export class PipeReader {
  readonly #reader: ReadableStreamBYOBReader;
  #buffer = new ArrayBuffer(most);

  /**
   * Reads from now on.
   *
   * @param pipe The pipe, which nobody else reads.
   */
  constructor(pipe: ReadableStream<Uint8Array>) {
    this.#reader = pipe.getReader({ mode: "byob" });
  }

  /**
   * Reads what comes next.
   *
   * @returns The bytes, valid until the next read; `undefined` at the end, and
   * once the reader is cancelled.
   */
  async read(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#reader.read(
      new Uint8Array(this.#buffer),
    );
    // The buffer was handed over, and is handed back unless that is cancelled.
    this.#buffer = value?.buffer ?? new ArrayBuffer(most);
    return done ? undefined : value;
  }

  /** Reads no more. */
  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }

  /** Reads to the end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (let bytes; (bytes = await this.read()) !== undefined;) yield bytes;
  }
}
