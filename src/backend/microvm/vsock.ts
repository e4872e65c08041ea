import {
  type ByteStream,
  closeQuietly,
  isClosedError,
  writeAll,
} from "../../stream/mod.ts";
import { orAbort, within } from "../../time/mod.ts";

/** The port on which a guest's shell listens, and that it calls on the host. */
const PORT = 1234;
/** How many connections are being made at a time: a listener's backlog is short. */
const AT_ONCE = 2;
/** The first pause after a failed try, in seconds; each next one is longer … */
const FIRST_PAUSE = 0.05;
/** … up to so many seconds. */
const LONGEST_PAUSE = 1;
/**
 * Seconds that the first connection has to be answered before another one is
 * made, each next one twice as long, and the longest: a guest that has just gone
 * on may not hear of one.
 */
const FIRST_ANSWER = 2, LONGEST_WAIT = 60;
/** Bytes of the longest answer of the hypervisor. */
const LONGEST_ANSWER = 32;

/** Bytes of the end of the host's socket after the hypervisor's: `_1234`. */
export const CALL_SUFFIX = `_${PORT}`;

/**
 * A guest's virtual socket, as Firecracker and Cloud Hypervisor give it to the
 * host: a UNIX socket that takes `CONNECT 1234` and answers `OK` when the
 * guest's listener has the connection. A guest calls the host on a socket whose
 * path ends in `_1234`; it does that once its shell listens.
 */
export class HybridVsock {
  readonly #path: string;
  readonly #listener: Deno.UnixListener;
  readonly #end = new AbortController();
  #called = Promise.withResolvers<void>();
  #hasCalled = false;
  #held?: PromiseWithResolvers<void>;
  #dialling = 0;
  readonly #queue: (() => void)[] = [];

  /**
   * Listens for the guest's call.
   *
   * @param path The hypervisor's socket. It need not be there yet.
   */
  constructor(path: string) {
    this.#path = path;
    this.#listener = Deno.listen({
      transport: "unix",
      path: `${path}${CALL_SUFFIX}`,
    });
    this.#hear();
  }

  /** Whether the guest has called. */
  get hasCalled(): boolean {
    return this.#hasCalled;
  }

  /** Settled at the guest's next call, or at once if it has called. */
  get called(): Promise<void> {
    return this.#called.promise;
  }

  /**
   * Connects to the guest's shell. It tries until a program listens there: in
   * quick succession if the guest has called, else now and then, because not
   * every guest calls. The first try that the guest answers is the one.
   *
   * @param signal Ends the tries.
   * @param options.isHeld Whether {@linkcode hold} makes it wait. Default:
   * true.
   */
  async dial(
    signal: AbortSignal,
    { isHeld = true } = {},
  ): Promise<ByteStream> {
    const over = AbortSignal.any([signal, this.#end.signal]);
    if (isHeld) await orAbort(this.released(), over);
    await this.#turn(over);
    const answered = Promise.withResolvers<void>();
    let stream: ByteStream | undefined, isOver = false;
    const ask = async () => {
      const answer = await this.#ask();
      if (answer === undefined) return;
      if (isOver || stream !== undefined) return closeQuietly(answer);
      stream = answer;
      answered.resolve();
    };
    try {
      let pause = FIRST_PAUSE, limit = FIRST_ANSWER;
      while (stream === undefined) {
        over.throwIfAborted();
        const began = performance.now();
        const settled = Promise.race([ask(), answered.promise]);
        await within(limit, orAbort(settled, over));
        if (stream !== undefined) break;
        if (performance.now() - began >= limit * 1000) {
          limit = Math.min(2 * limit, LONGEST_WAIT);
        }
        const called = this.#hasCalled ? [] : [this.#called.promise];
        const sooner = Promise.race([answered.promise, ...called]);
        await within(pause, orAbort(sooner, over));
        pause = Math.min(2 * pause, LONGEST_PAUSE);
      }
      return stream;
    } catch (error) {
      if (stream !== undefined) closeQuietly(stream);
      throw error;
    } finally {
      isOver = true;
      this.#dialling--;
      this.#queue.shift()?.();
    }
  }

  /** Holds all new connections back until {@linkcode release}. */
  hold(): void {
    this.#held ??= Promise.withResolvers();
  }

  /** Lets held connections be made. */
  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  /** Settled when anybody may connect. */
  async released(): Promise<void> {
    while (this.#held !== undefined) await this.#held.promise;
  }

  /** The guest boots again: forgets its call. */
  reset(): void {
    if (!this.#hasCalled) return;
    this.#hasCalled = false;
    this.#called = Promise.withResolvers();
  }

  /** Ends all tries, and listens no longer. */
  close(): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort(
      new Deno.errors.Interrupted("the virtual socket is closed"),
    );
    this.#listener.close();
  }

  async #turn(signal: AbortSignal): Promise<void> {
    while (this.#dialling >= AT_ONCE) {
      const turn = Promise.withResolvers<void>();
      this.#queue.push(turn.resolve);
      const leave = () => turn.reject(signal.reason);
      signal.addEventListener("abort", leave, { once: true });
      try {
        await turn.promise;
      } finally {
        signal.removeEventListener("abort", leave);
        const at = this.#queue.indexOf(turn.resolve);
        if (at >= 0) this.#queue.splice(at, 1);
      }
    }
    this.#dialling++;
  }

  /**
   * Asks for one connection, and waits for the guest's answer however long that
   * takes: a caller who leaves before it may bring the hypervisor's side down.
   *
   * @returns Nothing if nobody listens.
   */
  async #ask(): Promise<ByteStream | undefined> {
    let stream: Deno.UnixConn;
    try {
      stream = await Deno.connect({ transport: "unix", path: this.#path });
    } catch {
      return undefined;
    }
    const close = () => closeQuietly(stream);
    const { signal } = this.#end;
    signal.addEventListener("abort", close, { once: true });
    let isAnswered = false;
    try {
      if (signal.aborted) return undefined;
      await writeAll(stream, new TextEncoder().encode(`CONNECT ${PORT}\n`));
      isAnswered = /^OK \d+$/.test(await answer(stream) ?? "");
      return isAnswered ? stream : undefined;
    } catch (error) {
      if (!isClosedError(error)) throw error;
      return undefined;
    } finally {
      signal.removeEventListener("abort", close);
      if (!isAnswered) close();
    }
  }

  async #hear(): Promise<void> {
    for await (const call of this.#listener) {
      this.#hasCalled = true;
      this.#called.resolve();
      // The call is an event, and needs no answer.
      call.close();
    }
  }
}

/** Reads the hypervisor's line, and nothing of what follows it. */
async function answer(stream: ByteStream): Promise<string | undefined> {
  const byte = new Uint8Array(1);
  let line = "";
  while (line.length < LONGEST_ANSWER) {
    if (await stream.read(byte) === null) return undefined;
    const character = String.fromCharCode(byte[0]);
    if (character === "\n") return line;
    line += character;
  }
}
