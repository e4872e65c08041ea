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
  /** Asks the guest to end the stream with the code. */
  drain: (code: string) => void;
  /** Ends the wait in the guest, and asks for the child's name. */
  leave: () => void;
  left: LeftBehind;
  /** Called when the wait is given up while the child still has the port. */
  giveUp: () => void;
}

/**
 * The wait for the end of a port's stream while a child that a command left
 * behind may have the port open.
 */
export class Drain {
  readonly #options: DrainOptions;
  readonly #quiet = new Quiet();
  /** Cancels the end of the wait, if it has begun. */
  #cancel?: () => void;

  /** Begins to wait. */
  constructor(options: DrainOptions) {
    this.#options = options;
    options.drain(options.code);
  }

  /** The child has written something. */
  stir(): void {
    this.#quiet.stir();
  }

  /**
   * The child still has the port. Gives the port up if the child has fallen
   * silent.
   */
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

  /** Ends the wait. */
  cancel(): void {
    this.#quiet.cancel();
    this.#cancel?.();
  }
}
