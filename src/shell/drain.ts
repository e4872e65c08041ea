import { after } from "../time/mod.ts";
import type { LeftBehind } from "./left_behind.ts";
import { Quiet } from "./quiet.ts";

/** Seconds in which what a guest wrote before a message arrives for sure. */
const SETTLE = 0.1;

/** What a {@linkcode Drain} waits for. */
export interface DrainOptions {
  /** The port whose stream is to end. */
  port: string;
  /** The code that ends it. */
  code: string;
  /** The command that left the child. */
  command: string;
  /** Has the stream end with the code. */
  drain: (code: string) => void;
  /** Waits no longer in the guest, and asks for the child's name. */
  leave: () => void;
  left: LeftBehind;
  /** Called where the child has the port still, and is waited for no more. */
  giveUp: () => void;
}

/**
 * The wait for the end of a port's stream while a child that a command left
 * behind may have the port open.
 */
export class Drain {
  readonly #options: DrainOptions;
  readonly #quiet = new Quiet();
  /** Cancels the end of the wait, where that was begun. */
  #cancel?: () => void;

  /** Waits from now on. */
  constructor(options: DrainOptions) {
    this.#options = options;
    options.drain(options.code);
  }

  /** The child has written something. */
  stir(): void {
    this.#quiet.stir();
  }

  /** The child still has the port; gives it up where it has fallen silent. */
  still(): void {
    if (this.#cancel === undefined) this.#quiet.passed(() => this.#leave());
  }

  #leave(): void {
    const { port, command, leave, left, giveUp } = this.#options;
    left.expect(port, command);
    leave();
    // Bytes that it wrote before may still be on their way.
    this.#cancel = after(SETTLE, giveUp);
  }

  /** Waits no longer. */
  cancel(): void {
    this.#quiet.cancel();
    this.#cancel?.();
  }
}
