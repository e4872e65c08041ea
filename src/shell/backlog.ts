/** So many texts may wait to be written before nothing more is read. */
const MOST = 4096;

/**
 * What waits to be written to the guest. The driver answers some of what it
 * reads: so a guest that writes on and on, and does not read, is read no further.
 */
export class Backlog {
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** Counts a text until it was written, or could not be. */
  add(written: Promise<unknown>): void {
    this.#waiting++;
    const done = () => void this.#waiting--;
    this.#last = written.then(done, done);
  }

  /** Whether too much waits. */
  get isFull(): boolean {
    return this.#waiting > MOST;
  }

  /** Waits until there is room again. */
  async room(): Promise<void> {
    while (this.isFull) await this.#last;
  }
}
