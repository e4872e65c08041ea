import type { ByteStream } from "../../stream/mod.ts";

/** Bytes of the length before each frame. */
export const HEADER = 4;
/** Bytes that one read takes. */
const CHUNK = 128 * 1024;

/** Reads frames, each after its length. */
export class FrameReader {
  readonly #stream: ByteStream;
  #buffer = new Uint8Array(CHUNK);
  #filled = 0;

  /** Takes the stream of frames. */
  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /**
   * Returns copies of the frames that have come, each with its length before
   * it; `null` at the end of the stream.
   */
  async next(): Promise<Uint8Array[] | null> {
    while (true) {
      const count = await this.#stream.read(
        this.#buffer.subarray(this.#filled),
      );
      if (count === null) return null;
      this.#filled += count;
      const frames = this.#cut();
      if (frames.length > 0) return frames;
    }
  }

  #cut(): Uint8Array[] {
    const frames: Uint8Array[] = [];
    const buffer = this.#buffer;
    let at = 0;
    while (this.#filled - at >= HEADER) {
      const length = buffer[at] * 2 ** 24 +
        (buffer[at + 1] << 16 | buffer[at + 2] << 8 | buffer[at + 3]);
      const end = at + HEADER + length;
      if (end > this.#filled) {
        if (HEADER + length > buffer.length) {
          this.#buffer = new Uint8Array(HEADER + length);
        }
        break;
      }
      frames.push(buffer.slice(at, end));
      at = end;
    }
    if (this.#buffer !== buffer) {
      this.#buffer.set(buffer.subarray(at, this.#filled));
    } else if (at > 0) {
      buffer.copyWithin(0, at, this.#filled);
    }
    this.#filled -= at;
    return frames;
  }
}
