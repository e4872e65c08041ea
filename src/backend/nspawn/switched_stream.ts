import { type ByteStream, isClosedError } from "../../stream/mod.ts";
import { after } from "../../time/mod.ts";
import type { PipedProcess } from "../supervisor.ts";

/** Seconds after a process's end in which its last output arrives. */
const LAST_WORDS = 1;

/**
 * A duplex stream whose other end is one process after the other. Between two
 * processes, written bytes are lost.
 */
export class SwitchedStream implements ByteStream {
  readonly #coming = new TransformStream<Uint8Array, Uint8Array>();
  readonly #reader = this.#coming.readable.getReader();
  readonly #sink = this.#coming.writable.getWriter();
  #rest = new Uint8Array(0);
  #writer?: WritableStreamDefaultWriter<Uint8Array>;

  /**
   * Makes a process the other end until it ends. Returns whether the process
   * has written anything.
   *
   * @param process The process.
   * @param options With `toEnd`, the process is the other end until its stdout
   * ends.
   */
  async connect(
    process: PipedProcess,
    options: { toEnd?: boolean } = {},
  ): Promise<boolean> {
    let spoke = false;
    const writer = this.#writer = process.stdin.getWriter();
    const reader = process.stdout.getReader();
    let cancel = () => {};
    const ended = process.status.then(() => {
      // A child of the process may keep its stdout open after its end.
      if (!options.toEnd) cancel = after(LAST_WORDS, () => reader.cancel());
    });
    try {
      for (let read; !(read = await reader.read()).done;) {
        spoke = true;
        await this.#sink.write(read.value);
      }
    } catch (error) {
      if (!isClosed(error)) throw error;
    } finally {
      if (this.#writer === writer) this.#writer = undefined;
      await writer.close().catch(() => {});
      await ended.catch(() => {});
      cancel();
    }
    return spoke;
  }

  /** Reads into `buffer`. Returns the number of bytes; `null` at the end. */
  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#rest = value as Uint8Array<ArrayBuffer>;
    }
    const part = this.#rest.subarray(0, buffer.length);
    buffer.set(part);
    this.#rest = this.#rest.subarray(part.length);
    return part.length;
  }

  /** Writes all of `bytes`. */
  async write(bytes: Uint8Array): Promise<number> {
    try {
      await this.#writer?.write(bytes.slice());
    } catch (error) {
      if (!isClosed(error)) throw error;
    }
    return bytes.length;
  }

  /** Ends the stream, also for its reader. */
  close(): void {
    // A reader that is gone needs no more bytes.
    this.#sink.close().catch(() => {});
  }
}

/** A stream that was closed meanwhile throws a TypeError. */
function isClosed(error: unknown): boolean {
  return isClosedError(error) || error instanceof TypeError;
}
