/**
 * How fast forks of a snapshot follow each other. One that is made ahead takes
 * more of the processor than one that is made when it is asked for, so it is
 * worth making only while nobody waits.
 */
export class ForkPace {
  readonly #now: () => number;
  #lastEnd?: number;
  #pause = 0;
  #making = Infinity;

  /** Takes a clock, in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether the last pause was long enough to make a fork in it. */
  get leavesTime(): boolean {
    return this.#pause > this.#making;
  }

  /**
   * Notes that a fork is asked for.
   *
   * @returns A function that notes that it is there, and whether it was made
   * ahead.
   */
  begin(): (wasAhead: boolean) => void {
    const began = this.#now();
    this.#pause = began - (this.#lastEnd ?? began);
    return (wasAhead) => {
      this.#lastEnd = this.#now();
      if (!wasAhead) this.#making = this.#lastEnd - began;
    };
  }
}
