import type { ShellPort } from "../../shell/mod.ts";
import { type ByteStream, isClosedError, writeAll } from "../../stream/mod.ts";
import type { HybridVsock } from "./vsock.ts";

/** How many connections carry commands, as many as QEMU's guests have ports. */
const PORTS = 12;
/** What the driver takes for the greeting of a shell that reads commands. */
const GREETING = new TextEncoder().encode(
  "Spawning backdoor root shell...\n",
);

/**
 * The command channel of a guest with a virtual socket: each connection has a
 * bash at its other end. One of them is what the driver's channel calls the
 * console; the others carry commands and are made when they are needed.
 */
export class VsockChannel {
  /** A shell of the guest, one after the other. */
  readonly console: ByteStream;
  /** The ports for commands. */
  readonly ports: ShellPort[];
  readonly #console: VsockConsole;

  /** Begins to connect. */
  constructor(vsock: HybridVsock) {
    this.console = this.#console = new VsockConsole(vsock);
    this.ports = Array.from({ length: PORTS }, (_, n) => ({
      name: `vw.${n}`,
      dial: (signal: AbortSignal) => vsock.dial(signal),
    }));
  }

  /** Ends the shell that is there: the driver connects to the next one. */
  hangUp(): void {
    this.#console.hangUp();
  }

  /** Ends the console. */
  close(): void {
    this.#console.close();
  }
}

/**
 * A stream to a shell of the guest. When that is gone, it connects to the next
 * one. The guest does not greet, so this does it for each.
 */
class VsockConsole implements ByteStream {
  readonly #vsock: HybridVsock;
  readonly #end = new AbortController();
  /** The greeting, as far as nobody has read it. */
  #greeting = new Uint8Array(0);
  #stream?: ByteStream;
  #connected = Promise.withResolvers<void>();

  constructor(vsock: HybridVsock) {
    this.#vsock = vsock;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (!this.#end.signal.aborted) {
      if (this.#stream === undefined && !await this.#connect()) return null;
      if (this.#greeting.length > 0) {
        const part = this.#greeting.subarray(0, buffer.length);
        buffer.set(part);
        this.#greeting = this.#greeting.subarray(part.length);
        return part.length;
      }
      const count = await this.#readSome(buffer);
      if (count !== null) return count;
      this.hangUp();
      this.#stream = undefined;
      this.#connected = Promise.withResolvers();
    }
    return null;
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.#stream === undefined) await this.#connected.promise;
    try {
      if (this.#stream !== undefined) await writeAll(this.#stream, bytes);
    } catch (error) {
      // The shell is gone, and nobody waits for what it was sent.
      if (!isClosedError(error)) throw error;
    }
    return bytes.length;
  }

  hangUp(): void {
    try {
      this.#stream?.close();
    } catch (error) {
      if (!isClosedError(error)) throw error;
    }
  }

  close(): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort(new Deno.errors.Interrupted("the console is closed"));
    this.#connected.resolve();
    this.hangUp();
  }

  /** Whether there is a shell again. */
  async #connect(): Promise<boolean> {
    try {
      this.#stream = await this.#vsock.dial(this.#end.signal);
    } catch (error) {
      if (!isClosedError(error)) throw error;
      return false;
    }
    this.#greeting = GREETING.slice();
    this.#connected.resolve();
    return true;
  }

  async #readSome(buffer: Uint8Array): Promise<number | null> {
    try {
      return await this.#stream!.read(buffer);
    } catch (error) {
      if (!isClosedError(error)) throw error;
      return null;
    }
  }
}
