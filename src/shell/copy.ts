import type { GuestCalls } from "./guest_calls.ts";
import type { LeftBehind } from "./left_behind.ts";
import { Quiet } from "./quiet.ts";

/** What a {@linkcode Copy} waits for. */
export interface CopyOptions {
  /** The port that is copied to. */
  port: string;
  /** The process in the guest that copies. */
  relay: number;
  /** The command that has ended. */
  command: string;
  calls: GuestCalls;
  left: LeftBehind;
}

/**
 * The wait for the rest of what a command's pipe holds, while a child that the
 * command left behind may write to it.
 */
export class Copy {
  readonly #options: CopyOptions;
  readonly #quiet = new Quiet();
  #isOver = false;

  constructor(options: CopyOptions) {
    this.#options = options;
  }

  /** The child has written something. */
  stir(): void {
    this.#quiet.stir();
  }

  /**
   * The child still has the pipe. If the child has fallen silent, this ends the
   * copying; the port says the status once everything that was read is copied.
   */
  still(): void {
    if (!this.#isOver) this.#quiet.passed(() => this.#end());
  }

  #end(): void {
    this.#isOver = true;
    const { port, relay, command, calls, left } = this.#options;
    left.expect(port, command);
    calls.unpipe(port, relay);
  }

  /** Nobody waits any more. */
  cancel(): void {
    this.#quiet.cancel();
  }
}
