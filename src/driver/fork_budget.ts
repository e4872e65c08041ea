import { orAbort } from "../time/mod.ts";
import { freeMemory } from "./free_memory.ts";

/** Room that is given back as soon as a fork waits for it. */
export interface LentRoom extends Disposable {
  /** Keeps the room from being given back, until it is disposed of. */
  keep(): void;
}

interface Waiter {
  readonly memory: number;
  readonly admit: () => void;
}

/**
 * Lets forks wait for each other if memory or processors are short. One fork is
 * always admitted, whatever its size.
 */
export class ForkBudget {
  readonly #memory?: number;
  readonly #forks: number;
  readonly #waiting: Waiter[] = [];
  /** Functions that give back lent room. */
  readonly #lent = new Set<() => void>();
  /**
   * Bytes that were free when there was no fork, because forks take their
   * memory late.
   */
  #free = 0;
  #taken = 0;
  #running = 0;

  /** Takes the limits. */
  constructor(options: { memory?: number; forks?: number } = {}) {
    this.#memory = options.memory;
    this.#forks = options.forks ?? navigator.hardwareConcurrency;
  }

  /**
   * Waits until a fork fits in.
   *
   * @param memory Bytes of memory that its guests have.
   * @param signal Ends the wait.
   * @returns Gives the room back when it is disposed of.
   */
  async take(memory: number, signal?: AbortSignal): Promise<Disposable> {
    if (this.#waiting.length > 0 || !this.#fits(memory)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiter = { memory, admit: resolve };
      this.#waiting.push(waiter);
      for (const giveBack of [...this.#lent]) giveBack();
      try {
        await orAbort(promise, signal);
      } catch (error) {
        const at = this.#waiting.indexOf(waiter);
        if (at >= 0) this.#waiting.splice(at, 1);
        else this.#leave(memory);
        throw error;
      }
    } else {
      this.#enter(memory);
    }
    return this.#room(memory);
  }

  /**
   * Lends room that nobody needs at this moment.
   *
   * @param memory Bytes of memory that the guests have.
   * @param giveBack Called when a fork waits: the room is to be disposed of.
   * @returns The room; nothing if there is none to spare.
   */
  lend(memory: number, giveBack: () => void): LentRoom | undefined {
    const free = this.#running === 0 ? freeMemory() : this.#free;
    const isFull = this.#waiting.length > 0 || this.#running >= this.#forks ||
      this.#taken + memory > (this.#memory ?? free);
    if (isFull) return undefined;
    this.#enter(memory);
    const lent = () => {
      this.#lent.delete(lent);
      giveBack();
    };
    this.#lent.add(lent);
    const keep = () => void this.#lent.delete(lent);
    const room = this.#room(memory, keep);
    return Object.assign(room, { keep });
  }

  #room(memory: number, onLeft = () => {}): Disposable {
    let isLeft = false;
    return {
      [Symbol.dispose]: () => {
        if (isLeft) return;
        isLeft = true;
        onLeft();
        this.#leave(memory);
      },
    };
  }

  #enter(memory: number): void {
    if (this.#running === 0) this.#free = freeMemory();
    this.#taken += memory;
    this.#running++;
  }

  #leave(memory: number): void {
    this.#taken -= memory;
    this.#running--;
    while (this.#waiting.length > 0 && this.#fits(this.#waiting[0].memory)) {
      const { memory, admit } = this.#waiting.shift()!;
      this.#enter(memory);
      admit();
    }
  }

  #fits(memory: number): boolean {
    if (this.#running === 0) return true;
    if (this.#running >= this.#forks) return false;
    return this.#taken + memory <= (this.#memory ?? this.#free);
  }
}
