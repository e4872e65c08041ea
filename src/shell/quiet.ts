/** How often a child that is never silent is waited for, half a second each. */
const MOST = 10;

/**
 * Decides how long to wait for the rest of a command's output, where the
 * command has ended and a child of it may still write: until nothing has come
 * for half a second of the guest's, or for five seconds.
 */
export class Quiet {
  #isStirred = false;
  #count = 0;

  /** Something has come. */
  stir(): void {
    this.#isStirred = true;
  }

  /**
   * Half a second has passed in the guest, and the child is still there.
   *
   * @returns Whether that is enough.
   */
  passed(): boolean {
    const isOver = !this.#isStirred || ++this.#count >= MOST;
    this.#isStirred = false;
    return isOver;
  }
}
