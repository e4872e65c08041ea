import type { Needs } from "./needs.ts";

/** The limits of all tests of a suite together. */
export interface Limits {
  /** Bytes of memory. */
  readonly memory: number;
  /** Processors. */
  readonly cores: number;
  /** Tests at a time. */
  readonly workers: number;
  /**
   * Bytes that the host has free at this moment beside what the running tests may
   * still take; no limit of its own, if nothing is given.
   */
  readonly available?: () => number;
}

interface Waiting<T> {
  readonly item: T;
  readonly needs: Needs;
  /** How many later items have begun before it. */
  passed: number;
}

/**
 * Says which test begins next: the longest of those that fit into what is left.
 * A large test waits for room, and smaller ones pass it meanwhile; but only a
 * limited number, so that it begins at last.
 */
export class Queue<T> {
  readonly #limits: Limits;
  readonly #waiting: Waiting<T>[] = [];
  readonly #running = new Map<T, Needs>();
  #memory = 0;
  #cores = 0;

  /** Takes the limits. */
  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** How many have not begun. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Bytes of memory that those which run may take. */
  get memory(): number {
    return this.#memory;
  }

  /** Adds an item. One without a known duration comes first: it may be long. */
  add(item: T, needs: Needs): void {
    const duration = needs.duration ?? Infinity;
    const at = this.#waiting.findIndex(({ needs: other }) =>
      (other.duration ?? Infinity) < duration
    );
    const waiting = { item, needs, passed: 0 };
    this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, waiting);
  }

  /**
   * Takes the next item that fits; call {@linkcode end} when it is over.
   *
   * @returns The item; nothing if it has to wait for others, or if none is left.
   */
  begin(): T | undefined {
    if (this.#running.size >= this.#limits.workers) return undefined;
    const free = this.#running.size === 0
      ? Infinity
      : this.#limits.available?.() ?? Infinity;
    for (const [at, one] of this.#waiting.entries()) {
      if (this.#fits(one.needs, free)) {
        this.#waiting.splice(at, 1);
        for (const before of this.#waiting.slice(0, at)) before.passed++;
        this.#running.set(one.item, one.needs);
        this.#memory += one.needs.memory;
        this.#cores += this.#coresOf(one.needs);
        return one.item;
      }
      // Tests that come now have to wait as well.
      if (one.passed >= 2 * this.#limits.workers) return undefined;
    }
  }

  /** Gives back what an item has taken. */
  end(item: T): void {
    const needs = this.#running.get(item);
    if (needs === undefined) return;
    this.#running.delete(item);
    this.#memory -= needs.memory;
    this.#cores -= this.#coresOf(needs);
  }

  /** Takes all items that have not begun. */
  clear(): T[] {
    return this.#waiting.splice(0).map(({ item }) => item);
  }

  #fits(needs: Needs, free: number): boolean {
    // Otherwise nothing would ever begin.
    if (this.#running.size === 0) return true;
    const { memory, cores } = this.#limits;
    return this.#memory + needs.memory <= memory &&
      this.#cores + this.#coresOf(needs) <= cores && needs.memory <= free;
  }

  /** More processors than there are make a test slow, and not impossible. */
  #coresOf({ cores }: Needs): number {
    return Math.min(cores, this.#limits.cores);
  }
}
