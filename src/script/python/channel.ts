import { writeAll } from "../../stream/mod.ts";
import type { Received, Sent } from "./messages.ts";

/** Bytes of the length that stands before each message. */
const HEADER = 4;

/**
 * Messages over a stream of bytes: four bytes of length, most significant first,
 * and as many bytes of JSON.
 */
export class Channel implements Disposable {
  readonly #connection: Deno.Conn;
  readonly #encoder = new TextEncoder();
  #sending: Promise<void> = Promise.resolve();

  /** Takes a connection. */
  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Sends a message. Drops it if the other side is gone. */
  send(message: Sent): void {
    const json = this.#encoder.encode(JSON.stringify(message));
    const bytes = new Uint8Array(HEADER + json.length);
    new DataView(bytes.buffer).setUint32(0, json.length);
    bytes.set(json, HEADER);
    this.#sending = this.#sending.then(() => writeAll(this.#connection, bytes))
      .catch(() => {});
  }

  /** Yields the messages until the stream ends. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Received> {
    const decoder = new TextDecoder();
    let buffer = new Uint8Array(1 << 16);
    let filled = 0;
    while (true) {
      const count = await this.#read(buffer.subarray(filled));
      if (count === null) return;
      filled += count;
      let at = 0;
      while (filled - at >= HEADER) {
        const view = new DataView(buffer.buffer, at);
        const size = HEADER + view.getUint32(0);
        if (filled - at < size) {
          if (size > buffer.length) {
            const larger = new Uint8Array(Math.max(size, 2 * buffer.length));
            larger.set(buffer.subarray(at, filled));
            [buffer, filled, at] = [larger, filled - at, 0];
          }
          break;
        }
        const json = buffer.subarray(at + HEADER, at + size);
        at += size;
        // Only the package on the other side writes to this stream.
        yield JSON.parse(decoder.decode(json));
      }
      buffer.copyWithin(0, at, filled);
      filled -= at;
    }
  }

  /** Closes the stream. */
  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #read(buffer: Uint8Array): Promise<number | null> {
    try {
      return await this.#connection.read(buffer);
    } catch {
      // The process has ended, or this side has closed the stream. Both are a
      // normal end.
      return null;
    }
  }
}
