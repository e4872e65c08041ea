import type { ForkBudget, LentRoom } from "./fork_budget.ts";

/** How many spares of a snapshot there are at most. */
const MOST = 2;

/** A fork that is made before anybody asks for it. */
export interface Spare extends AsyncDisposable {
  /** Whether it could be made; settled when its machines are paused. */
  readonly made: Promise<boolean>;
  /** Lets it be made without what only makes it faster later. */
  hurry(): void;
  /** Ends it. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What {@linkcode Spares} are made of. */
export interface SparesOptions<Made extends Spare> {
  /** Lends them room. */
  readonly budget: ForkBudget;
  /** Bytes of memory that the guests of each have. */
  readonly memory: number;
  /**
   * Whether the host can make one beside what runs, and should.
   *
   * @param begun How many were begun a moment before.
   * @param waiting How many there are.
   */
  readonly canMake: (begun: number, waiting: number) => boolean;
  /** Begins to make one. */
  readonly make: () => Made;
}

/**
 * The forks of a snapshot that are made ahead while other forks run. They take
 * room that nobody else needs.
 */
export class Spares<Made extends Spare> implements AsyncDisposable {
  readonly #options: SparesOptions<Made>;
  readonly #waiting = new Map<Made, LentRoom>();
  readonly #ending = new Set<Promise<void>>();
  #isOver = false;

  /** Begins with none. */
  constructor(options: SparesOptions<Made>) {
    this.#options = options;
  }

  /**
   * Begins to make missing spares, if the host has an idle processor and room.
   */
  replenish(): void {
    const { budget, memory, canMake, make } = this.#options;
    for (let begun = 0; !this.#isOver && this.#waiting.size < MOST; begun++) {
      if (!canMake(begun, this.#waiting.size)) return;
      const room = budget.lend(memory, () => this.#end(spare));
      if (room === undefined) return;
      const spare = make();
      this.#waiting.set(spare, room);
      spare.made.then((isMade) => {
        // The processor that made it is idle now.
        if (isMade) return this.replenish();
        // What failed once would fail again.
        this.#isOver = true;
        if (this.#waiting.has(spare)) this.#end(spare);
      });
    }
  }

  /**
   * Takes the oldest, as soon as it is made.
   *
   * @returns The fork and its room; nothing if there is none.
   */
  async take(): Promise<{ spare: Made; room: Disposable } | undefined> {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    const [spare, room] = first;
    room.keep();
    spare.hurry();
    this.#waiting.delete(spare);
    // The host makes the next one while somebody waits for this one, and uses it.
    this.replenish();
    if (await spare.made) return { spare, room };
    await spare[Symbol.asyncDispose]();
    room[Symbol.dispose]();
    return undefined;
  }

  #end(spare: Made): void {
    const room = this.#waiting.get(spare);
    this.#waiting.delete(spare);
    const ended = spare[Symbol.asyncDispose]().finally(() => {
      room?.[Symbol.dispose]();
      this.#ending.delete(ended);
    });
    this.#ending.add(ended);
  }

  /** Ends all that nobody has taken. No more are made. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    for (const spare of [...this.#waiting.keys()]) this.#end(spare);
    await Promise.all(this.#ending);
  }
}
