import { type ByteStream, isClosedError, writeAll } from "../../stream/mod.ts";
import { after, delay, orAbort } from "../../time/mod.ts";

/** The port on which a guest's shell listens, and that it calls on the host. */
const PORT = 1234;
/** How many connections are being made at a time: a listener's backlog is short. */
const AT_ONCE = 2;
/** The first pause after a failed try, in seconds; each next one is longer … */
const FIRST_PAUSE = 0.05;
/** … up to so many seconds. */
const LONGEST_PAUSE = 1;
/**
 * Seconds that the first connection has to be answered, each next one twice as
 * long, and the longest: a guest that has just gone on may not hear of one.
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

  /** Settled when the guest calls next, or at once where it has. */
  get called(): Promise<void> {
    return this.#called.promise;
  }

  /**
   * Connects to the guest's shell. It tries until somebody listens there: soon
   * where the guest has called, and else now and then, since not every guest
   * calls.
   *
   * @param signal Ends that.
   * @param options.isHeld Whether it waits where nobody is to connect. Default: true.
   */
  async dial(
    signal: AbortSignal,
    { isHeld = true } = {},
  ): Promise<ByteStream> {
    const over = AbortSignal.any([signal, this.#end.signal]);
    if (isHeld) await orAbort(this.released(), over);
    await this.#turn(over);
    try {
      let pause = FIRST_PAUSE, limit = FIRST_ANSWER;
      while (true) {
        over.throwIfAborted();
        const began = performance.now();
        const stream = await this.#try(over, limit);
        if (stream !== undefined) return stream;
        if (performance.now() - began >= limit * 1000) {
          limit = Math.min(2 * limit, LONGEST_WAIT);
        }
        const called = this.#hasCalled ? [] : [this.#called.promise];
        await Promise.race([delay(pause, over), ...called]);
        pause = Math.min(2 * pause, LONGEST_PAUSE);
      }
    } finally {
      this.#dialling--;
      this.#queue.shift()?.();
    }
  }

  /** Has nobody connect until {@linkcode release}: the guest is to have no connection. */
  hold(): void {
    this.#held ??= Promise.withResolvers();
  }

  /** Has those connect who wait for that. */
  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  /** Settled when anybody may connect. */
  async released(): Promise<void> {
    while (this.#held !== undefined) await this.#held.promise;
  }

  /** The guest begins anew: what called does so no more. */
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

  /** One try; nothing where nobody listens, or answers in so many seconds. */
  async #try(
    signal: AbortSignal,
    limit: number,
  ): Promise<ByteStream | undefined> {
    let stream: Deno.UnixConn;
    try {
      stream = await Deno.connect({ transport: "unix", path: this.#path });
    } catch {
      return undefined;
    }
    const close = () => {
      try {
        stream.close();
      } catch {
        // It is closed.
      }
    };
    signal.addEventListener("abort", close, { once: true });
    const cancel = after(limit, close);
    try {
      await writeAll(stream, new TextEncoder().encode(`CONNECT ${PORT}\n`));
      if (/^OK \d+$/.test(await answer(stream) ?? "")) return stream;
      close();
      return undefined;
    } catch (error) {
      close();
      if (!isClosedError(error)) throw error;
      return undefined;
    } finally {
      cancel();
      signal.removeEventListener("abort", close);
    }
  }

  async #hear(): Promise<void> {
    for await (const call of this.#listener) {
      this.#hasCalled = true;
      this.#called.resolve();
      // Nobody has anything to say to that: it is an event.
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
