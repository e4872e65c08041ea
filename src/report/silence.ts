/** Seconds without a line after which the log tells what is waited for. */
const patience = 10;
/** Seconds at most between two such lines. */
const longest = 60;

/** Has the log tell what is waited for, where steps take long and it says nothing. */
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
   * @param tell Tells what is waited for.
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

  /** Tells nothing more until a step begins. */
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
    // Nobody has to wait for it.
    Deno.unrefTimer(timer);
    this.#cancel = () => clearTimeout(timer);
  }
}
