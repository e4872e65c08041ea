/**
 * How far a fork is made before anybody asks for it: its machines are loaded, or
 * their guests are renewed, too.
 */
export type Ahead = "loaded" | "renewed";

/**
 * How fast forks of a snapshot follow each other, which tells how far the next
 * one is worth making.
 */
export class ForkPace {
  readonly #now: () => number;
  #count = 0;
  #lastEnd?: number;
  #pause = 0;
  #making = Infinity;

  /** Takes a clock, in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * How far to make the next fork now. One that is renewed ahead takes more of
   * the processor than one that is made when it is asked for, so it is worth
   * making only if the last pause was long enough to make a fork in it. One that
   * is only loaded takes no more, but is of no use if it was the last.
   */
  get worth(): Ahead | undefined {
    if (this.#pause > this.#making) return "renewed";
    return this.#count > 1 ? "loaded" : undefined;
  }

  /**
   * Notes that a fork is asked for.
   *
   * @returns A function that notes that it is there, and whether it was made
   * ahead.
   */
  begin(): (wasAhead: boolean) => void {
    const began = this.#now();
    this.#count++;
    this.#pause = began - (this.#lastEnd ?? began);
    return (wasAhead) => {
      this.#lastEnd = this.#now();
      if (!wasAhead) this.#making = this.#lastEnd - began;
    };
  }
}
