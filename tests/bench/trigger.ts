import type { ByteStream } from "../../src/stream/mod.ts";
import { writeAll } from "../../src/stream/mod.ts";

/**
 * A shell in the guest that only makes things happen: what it is told runs in
 * that shell itself, and it says when it is done.
 */
export class Trigger {
  readonly #stream: ByteStream;
  readonly #buffer = new Uint8Array(4096);
  readonly #decoder = new TextDecoder();
  #text = "";

  /** Takes a console with a root shell at its other end. */
  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /** Waits until the shell is there. */
  async connect(): Promise<void> {
    await this.#until("shell...");
  }

  /**
   * Runs a line of shell, and answers what it printed when it is done. For
   * what takes the shell itself no time that is as good as the moment at which
   * it happened.
   */
  async do(line: string): Promise<string> {
    await writeAll(
      this.#stream,
      new TextEncoder().encode(`${line}\necho =done=\n`),
    );
    return await this.#until("=done=");
  }

  /**
   * How far the guest's clock is behind that of `performance.now()`, in
   * milliseconds: as the shell tells that answers soonest of several times.
   */
  async clockOffset(): Promise<number> {
    let soonest = Infinity;
    let offset = 0;
    for (let n = 0; n < 10; n++) {
      const asked = performance.now();
      const said = await this.do("echo $EPOCHREALTIME");
      const took = performance.now() - asked;
      if (took > soonest) continue;
      soonest = took;
      offset = asked + took / 2 - clockOf(said);
    }
    return offset;
  }

  /** Reads to the end of a line that ends so. */
  async #until(end: string): Promise<string> {
    while (true) {
      const at = this.#text.indexOf(`${end}\n`);
      if (at >= 0) {
        const said = this.#text.slice(0, at);
        this.#text = this.#text.slice(at + end.length + 1);
        return said;
      }
      const count = await this.#stream.read(this.#buffer);
      if (count === null) throw new Error("The shell that acts has ended");
      this.#text += this.#decoder.decode(this.#buffer.subarray(0, count), {
        stream: true,
      });
    }
  }
}

/** Milliseconds of the guest's clock, of which a shell printed $EPOCHREALTIME last. */
export function clockOf(said: string): number {
  return Number(said.trim().split("\n").at(-1)) * 1000;
}
