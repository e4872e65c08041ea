import type { ByteStream } from "../../stream/mod.ts";

/** Tells whether all that has come on a stream was taken. */
export class TrackedStream implements ByteStream {
  readonly #stream: ByteStream;
  /** How many reads have ended. */
  reads = 0;
  /** Whether somebody waits for more, having seen to what came before. */
  isAwaited = false;

  /** Takes the stream. */
  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /** See {@linkcode ByteStream.read}. */
  async read(buffer: Uint8Array): Promise<number | null> {
    this.isAwaited = true;
    const count = await this.#stream.read(buffer);
    // Whoever reads it to its end waits on for nothing.
    this.isAwaited = count === null;
    this.reads++;
    return count;
  }

  /** See {@linkcode ByteStream.write}. */
  write(bytes: Uint8Array): Promise<number> {
    return this.#stream.write(bytes);
  }

  /** See {@linkcode ByteStream.close}. */
  close(): void {
    this.#stream.close();
  }
}
