import { ByteFinder } from "../scan/mod.ts";
import { type ByteStream, isClosedError } from "../stream/mod.ts";
import { type Code, parseCode } from "./message.ts";

/** Bytes of the code that follows the session's token in a port's stream. */
const CODE_LENGTH = 10;

/** What a port's stream is made of. */
export interface PortListener {
  /** Bytes of a command's output; valid during the call only. */
  data(bytes: Uint8Array): void;
  /** A code that the guest's side marked with the session's token. */
  code(code: Code): void;
  /** If it returns a promise, reading waits for that. */
  taken?(): Promise<void> | undefined;
}

/**
 * Cuts a port's stream into output and the codes that bear the session's
 * token, under any chunking.
 */
export class PortReader implements Disposable {
  readonly #finder: ByteFinder;
  readonly #token: Uint8Array;
  /** Bytes at the end of the last chunk that may begin a code. */
  #held = new Uint8Array(0);
  #isHeldUp = false;

  constructor(token: string) {
    this.#token = new TextEncoder().encode(token);
    this.#finder = new ByteFinder(this.#token);
  }

  /**
   * Whether it reads nothing because a listener still works at earlier bytes.
   */
  get isHeldUp(): boolean {
    return this.#isHeldUp;
  }

  /** Reads `stream` to its end, and tells `listener` what comes. */
  async read(stream: ByteStream, listener: PortListener): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      while (true) {
        buffer.set(this.#held);
        const start = this.#held.length;
        const count = await stream.read(buffer.subarray(start));
        if (count === null) break;
        this.push(buffer.subarray(0, start + count), listener);
        const taken = listener.taken?.();
        if (taken === undefined) continue;
        this.#isHeldUp = true;
        await taken;
        this.#isHeldUp = false;
      }
    } catch (error) {
      // The socket was closed during a read, which is the end, too.
      if (!isClosedError(error)) throw error;
    }
  }

  /** Takes `chunk`, which begins with what the last call held back. */
  push(chunk: Uint8Array, listener: PortListener): void {
    const whole = this.#token.length + CODE_LENGTH;
    let offset = 0;
    while (true) {
      const at = this.#finder.find(chunk, offset);
      if (at < 0 || at + whole > chunk.length) break;
      if (at > offset) listener.data(chunk.subarray(offset, at));
      const code = parseCode(
        String.fromCharCode(
          ...chunk.subarray(at + this.#token.length, at + whole),
        ),
      );
      if (code !== undefined) {
        listener.code(code);
        offset = at + whole;
      } else {
        // Anything else is output.
        offset = at + this.#token.length;
        listener.data(chunk.subarray(at, offset));
      }
    }
    const end = this.#mayBegin(chunk, offset);
    if (end > offset) listener.data(chunk.subarray(offset, end));
    this.#held = chunk.slice(end);
  }

  /** Where the tail begins that may be the start of a code. */
  #mayBegin(chunk: Uint8Array, from: number): number {
    const whole = this.#token.length + CODE_LENGTH;
    const first = this.#token[0];
    let at = Math.max(from, chunk.length - whole + 1);
    while ((at = chunk.indexOf(first, at)) >= 0) {
      const length = Math.min(chunk.length - at, this.#token.length);
      let same = 1;
      while (same < length && chunk[at + same] === this.#token[same]) same++;
      if (same === length) return at;
      at++;
    }
    return chunk.length;
  }

  /** Frees the finder. */
  [Symbol.dispose](): void {
    this.#finder[Symbol.dispose]();
  }
}
