import { after } from "../time/mod.ts";

/** How many half seconds to wait for a child that is never silent. */
const MOST = 10;
/** Seconds in which the host reads what the guest wrote before a message. */
const READ = 0.02;

/**
 * Decides how long to wait for the rest of a command's output if a child of the
 * ended command may still write: until nothing has come for half a second of
 * the guest's time, or for five seconds.
 */
export class Quiet {
  #isStirred = false;
  #count = 0;
  #cancel?: () => void;

  /** Something has come. */
  stir(): void {
    this.#isStirred = true;
  }

  /**
   * Half a second has passed in the guest, and the child is still there. Where
   * the host stood still, it gets such messages at once, and what the child
   * wrote meanwhile may come after them.
   *
   * @param over Called a moment later, if the wait is over.
   */
  passed(over: () => void): void {
    this.#cancel ??= after(READ, () => {
      this.#cancel = undefined;
      const isOver = !this.#isStirred || ++this.#count >= MOST;
      this.#isStirred = false;
      if (isOver) over();
    });
  }

  /** Nobody waits any more. */
  cancel(): void {
    this.#cancel?.();
  }
}
