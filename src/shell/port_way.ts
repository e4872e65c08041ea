import type { GuestCalls } from "./guest_calls.ts";
import { dialledSide } from "./guest.ts";
import type { Outlet } from "./port_state.ts";
import type { PortStream } from "./port_stream.ts";
import { delay } from "../time/mod.ts";

/** Seconds before a new connection replaces one that has ended unused. */
const AGAIN = 0.1;

/** The differences between virtio ports and connections. */
export interface PortWay {
  /**
   * Starts a server for the port.
   *
   * @returns The mark that the server expects, if it waits for one.
   */
  serve(outlet: Outlet): string | undefined;
  /** A server has told its process number. */
  served(process: number): void;
  /** Makes the stream end with a code once no child has the port any more. */
  drain(code: string): void;
  /**
   * Gives up the wait for the child that has the port, and asks for its name.
   */
  leave(): void;
  /** Ends the port's server. */
  stop(): void;
  /**
   * The port's state when a child or unread bytes block it: `idle` if a new
   * connection can replace it.
   */
  lost<Lost extends "held" | "spoilt" | "abandoned">(why: Lost): Lost | "idle";
  /** The guest's shell is gone. */
  lose(): void;
}

/** A virtio port, which the backdoor shell has served. */
export class FixedWay implements PortWay {
  readonly #name: string;
  readonly #calls: GuestCalls;

  constructor(name: string, calls: GuestCalls) {
    this.#name = name;
    this.#calls = calls;
  }

  serve(outlet: Outlet): string {
    const mark = this.#calls.number();
    if (outlet === "pipe") this.#calls.pipe(this.#name, mark);
    else this.#calls.start(this.#name, mark);
    return mark;
  }

  served(): void {}

  drain(code: string): void {
    this.#calls.drain(this.#name, code);
  }

  leave(): void {
    this.#calls.leave(this.#name);
  }

  stop(): void {
    this.#calls.stop(this.#name);
  }

  lost<Lost extends "held" | "spoilt" | "abandoned">(why: Lost): Lost {
    return why;
  }

  lose(): void {}
}

/** A connection, which the bash at its other end serves. */
export class DialledWay implements PortWay {
  readonly #stream: PortStream;
  readonly #calls: GuestCalls;
  #process?: number;
  #dialling = new AbortController();
  #tries = 0;

  constructor(stream: PortStream, calls: GuestCalls) {
    this.#stream = stream;
    this.#calls = calls;
  }

  serve(outlet: Outlet): undefined {
    this.#dialling.abort();
    const { signal } = this.#dialling = new AbortController();
    this.#process = undefined;
    const pause = this.#tries++ === 0
      ? Promise.resolve()
      : delay(AGAIN, signal);
    pause.then(() => this.#stream.dial!(signal)).then((stream) => {
      if (signal.aborted) return stream.close();
      this.#stream.connect(stream);
      const text = new TextEncoder().encode(
        dialledSide(this.#calls.token, outlet),
      );
      this.#stream.write(text, () => !signal.aborted).catch(() => {});
    }, () => {});
  }

  served(process: number): void {
    this.#tries = 0;
    this.#process = process;
    this.#calls.served(this.#stream.name, process);
  }

  // The server waits for the child by itself.
  drain(): void {}

  leave(): void {
    if (this.#process === undefined) return;
    this.#calls.hang(this.#stream.name, this.#process);
  }

  stop(): void {
    if (this.#process !== undefined) this.#calls.stop(this.#stream.name);
  }

  lost(why: "held" | "spoilt" | "abandoned"): "idle" {
    this.#dialling.abort();
    this.#stream.leave({ close: why !== "held" });
    return "idle";
  }

  lose(): void {
    this.#dialling.abort();
    this.#tries = 0;
    this.#stream.leave({ close: true });
  }
}
