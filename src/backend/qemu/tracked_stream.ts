import type { ByteStream } from "../../stream/mod.ts";

/** A stream that tells whether its reader has taken all bytes so far. */
export class TrackedStream implements ByteStream {
  readonly #stream: ByteStream;
  /** How many reads have ended. */
  reads = 0;
  /** Whether its reader waits for more bytes. */
  isAwaited = false;

  /** Takes the stream. */
  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /** See {@linkcode ByteStream.read}. */
  async read(buffer: Uint8Array): Promise<number | null> {
    this.isAwaited = true;
    const count = await this.#stream.read(buffer);
    // A reader at the end waits for nothing more.
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
