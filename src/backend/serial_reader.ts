import type { PipeReader } from "../stream/mod.ts";

/** Reads what a guest writes to its serial port. */
export class SerialReader {
  readonly #pipe: PipeReader;
  /** How many reads have ended. */
  reads = 0;
  /** Whether it waits for more bytes. */
  isAwaited = false;

  /** Takes the pipe, which nobody else reads. */
  constructor(pipe: PipeReader) {
    this.#pipe = pipe;
  }

  /** Reads to the end. The bytes are valid until the next ones. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (true) {
      this.isAwaited = true;
      const bytes = await this.#pipe.read();
      // At its end, nothing more comes.
      this.isAwaited = bytes === undefined;
      this.reads++;
      if (bytes === undefined) return;
      yield bytes;
    }
  }
}
