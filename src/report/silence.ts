/** Seconds without a line after which the log tells what the run waits for. */
const patience = 10;
/** Seconds at most between two such lines. */
const longest = 60;

/**
 * Makes the log tell what the run waits for, if steps take long and the log is
 * silent.
 */
export class Silence {
  readonly #tell: () => void;
  /** Steps under way, beside the whole script. */
  readonly #open = new Set<number>();
  /** When something was shown last, as `performance.now()` has it. */
  #shownAt = performance.now();
  #cancel: (() => void) | undefined;

  /**
   * Begins with a line that was just shown.
   *
   * @param tell Logs what the run waits for.
   */
  constructor(tell: () => void) {
    this.#tell = tell;
  }

  /** A line was shown. */
  shown(): void {
    this.#shownAt = performance.now();
  }

  /** A step began. */
  began(step: number): void {
    this.#open.add(step);
    if (this.#cancel === undefined) this.#tellIn(patience, patience);
  }

  /** A step ended. */
  ended(step: number): void {
    this.#open.delete(step);
    if (this.#open.size === 0) this.stop();
  }

  /** Logs nothing more until a step begins. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #tellIn(seconds: number, silence: number): void {
    const timer = setTimeout(() => {
      const left = silence - (performance.now() - this.#shownAt) / 1000;
      if (left > 0) {
        // A line came meanwhile, and the silence begins anew.
        this.#tellIn(left < patience ? left : patience, patience);
        return;
      }
      this.#tell();
      const next = Math.min(2 * silence, longest);
      this.#tellIn(next, next);
    }, seconds * 1000);
    // The timer must not keep the process running.
    Deno.unrefTimer(timer);
    this.#cancel = () => clearTimeout(timer);
  }
}
