import { MachineError } from "../errors.ts";
import { delay } from "../time/mod.ts";
import type { GuestMemory } from "./backend.ts";

/** Seconds between two looks at how much the guest has handed over. */
const INTERVAL = 0.05;
/** Seconds that a guest has for its first page: it may load the driver first. */
const FIRST_PAGE = 20;
/** Seconds without a page after which a guest has no more to give. */
const NEXT_PAGE = 10;

/** A virtio balloon of a guest, which holds parts of its memory. */
export interface Balloon {
  /** Bytes of its pages: it holds no smaller parts. */
  readonly page: number;
  /**
   * Readies it for a limit.
   *
   * @throws {MachineError} if the guest can have none.
   */
  open(): Promise<void>;
  /** The bytes of memory that the guest has left now. */
  left(): Promise<number>;
  /** Tells the guest how many bytes of memory to have left. */
  leave(bytes: number): Promise<void>;
  /** Ends that, when there is no limit any more. */
  close?(): Promise<void>;
}

/** The memory of a guest, of which a balloon holds parts. */
export class LimitedMemory implements GuestMemory {
  readonly #balloon: Balloon;
  readonly #machine: string;
  /** Bytes of each limit that is in force. */
  readonly #limits = new Set<{ readonly bytes: number }>();
  /** What the guest has without a limit. */
  #full = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** Takes the guest's balloon, and the machine's name. */
  constructor(balloon: Balloon, machine: string) {
    this.#balloon = balloon;
    this.#machine = machine;
  }

  /** Whether there is a limit. */
  get isLimited(): boolean {
    return this.#limits.size > 0;
  }

  /** See {@linkcode GuestMemory.limit}. */
  limit(bytes: number): Promise<() => Promise<void>> {
    return this.#inTurn(async () => {
      if (this.#limits.size === 0) {
        await this.#balloon.open();
        // After an earlier limit, the guest may not have taken all back yet.
        this.#full ||= await this.#balloon.left();
      }
      const { page } = this.#balloon;
      const limit = { bytes: Math.ceil(bytes / page) * page };
      try {
        if (limit.bytes > this.#full) {
          throw new MachineError(
            `${this.#machine} has ${this.#full} bytes of memory, so it can't be ` +
              `limited to ${bytes}`,
          );
        }
        this.#limits.add(limit);
        await this.#reach(await this.#apply());
      } catch (error) {
        await this.#release(limit).catch(() => {});
        throw error;
      }
      return () => this.#inTurn(() => this.#release(limit));
    });
  }

  #inTurn<T>(fn: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(fn);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Tells the guest the smallest limit. */
  async #apply(): Promise<number> {
    const value = Math.min(
      this.#full,
      ...[...this.#limits].map(({ bytes }) => bytes),
    );
    await this.#balloon.leave(value);
    return value;
  }

  /** Waits until the guest has no more than so many bytes. */
  async #reach(value: number): Promise<void> {
    let least = await this.#balloon.left();
    let patience = FIRST_PAGE;
    // Looks are counted, and not the time in which the host may stand still.
    for (let waited = 0;; waited += INTERVAL) {
      const left = await this.#balloon.left();
      if (left <= value) return;
      if (left < least) {
        least = left;
        waited = 0;
        patience = NEXT_PAGE;
      } else if (waited > patience) {
        throw new MachineError(
          left === this.#full
            ? `${this.#machine} gives no memory to a balloon: does its kernel ` +
              "have the driver virtio_balloon, and does it run?"
            : `${this.#machine} keeps ${left} bytes of memory, which it needs ` +
              `itself, so it can't be limited to ${value}`,
        );
      }
      await delay(INTERVAL);
    }
  }

  async #release(limit: { readonly bytes: number }): Promise<void> {
    this.#limits.delete(limit);
    await this.#apply();
    if (this.#limits.size === 0) await this.#balloon.close?.();
  }
}
