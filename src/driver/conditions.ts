import { AsyncLocalStorage } from "node:async_hooks";
import { ConditionFailure, type TestFailure } from "../errors.ts";
import type { Log } from "../report/mod.ts";
import { retry } from "./retry.ts";

/** What a polling condition takes. */
export interface ConditionOptions {
  /** Seconds between two checks; 2 by default. */
  interval?: number;
  /** What the condition means, for the log; the function's name by default. */
  description?: string;
}

/** Makes a {@linkcode PollingCondition}; only a driver does. */
export let makeCondition: (
  fn: () => unknown,
  options: ConditionOptions,
  conditions: Conditions,
) => PollingCondition;

/**
 * Something that has to stay true. While it is entered it is checked before
 * each thing that a machine does and, at its interval, meanwhile; when it does
 * not hold, whatever the machines do fails.
 */
export class PollingCondition implements Disposable {
  /** What the condition means. */
  readonly description: string;
  /** Seconds between two checks. */
  readonly interval: number;
  readonly #fn: () => unknown;
  readonly #conditions: Conditions;
  #lastChecked = -Infinity;
  #checking?: Promise<boolean>;
  #error?: unknown;

  static {
    makeCondition = (...given) => new PollingCondition(...given);
  }

  private constructor(
    fn: () => unknown,
    options: ConditionOptions,
    conditions: Conditions,
  ) {
    this.#fn = fn;
    this.interval = options.interval ?? 2;
    this.description = options.description ??
      `polling condition ${fn.name || "without a name"}`;
    this.#conditions = conditions;
  }

  /**
   * Keeps the condition from now on; disposing of the answer ends that. Entered
   * several times, it is kept until it is left as often.
   */
  enter(): this {
    this.#conditions.enter(this);
    return this;
  }

  /** Keeps the condition no longer, unless it was entered again. */
  exit(): void {
    this.#conditions.exit(this);
  }

  /** Keeps the condition while `fn` runs. */
  async during<T>(fn: () => T | Promise<T>): Promise<T> {
    this.enter();
    try {
      return await fn();
    } finally {
      this.exit();
    }
  }

  /**
   * Waits until the condition holds.
   *
   * @param options.timeout Seconds to wait at most; 900 by default, `null` for
   * no limit.
   * @throws {TestFailure} when the time has passed.
   */
  async wait(
    options: { timeout?: number | null } | number = {},
  ): Promise<void> {
    const { timeout } = typeof options === "number"
      ? { timeout: options }
      : options;
    await this.#conditions.log.nested(
      `waiting for ${this.description}`,
      () =>
        this.#conditions.interruptible((signal) =>
          retry(() => this.holds(), {
            timeout,
            interval: this.interval,
            signal,
          })
        ),
    );
  }

  /** Whether the last check ended longer ago than the interval. */
  get due(): boolean {
    return this.#checking === undefined &&
      performance.now() - this.#lastChecked >= this.interval * 1000;
  }

  /**
   * Checks the condition now, or awaits the check that is under way. A
   * condition that throws does not hold.
   */
  holds(): Promise<boolean> {
    return this.#checking ??= this.#check().finally(() => {
      this.#lastChecked = performance.now();
      this.#checking = undefined;
    });
  }

  async #check(): Promise<boolean> {
    this.#error = undefined;
    try {
      const holds = await this.#conditions.checking(this.#fn) !== false;
      if (holds) this.#conditions.held(this);
      return holds;
    } catch (error) {
      this.#error = error;
      return false;
    }
  }

  /** What the failure of the last check is for a test. */
  get failure(): TestFailure {
    return new ConditionFailure(this.description, this.#error);
  }

  /** Keeps the condition no longer. */
  [Symbol.dispose](): void {
    this.exit();
  }
}

/** The conditions of a run, and all that fails when one does not hold. */
export class Conditions {
  /** Where checks are told. */
  readonly log: Log;
  /** Aborted at the end of the run. */
  readonly signal: AbortSignal;
  readonly #entered = new Map<
    PollingCondition,
    { timer: ReturnType<typeof setInterval>; times: number }
  >();
  readonly #watches = new Set<AbortController>();
  /** What {@linkcode interrupt} ends beside the watches. */
  readonly #waits = new Set<AbortController>();
  /** Set in the flow of a check: what that does is not watched itself. */
  readonly #inCheck = new AsyncLocalStorage<boolean>();
  /** What ends the flow that asks for something, if not the run's end alone. */
  readonly #bound = new AsyncLocalStorage<AbortSignal>();
  /** The conditions that are entered and did not hold when last checked. */
  readonly #failed = new Map<PollingCondition, TestFailure>();

  /** Takes the log and the signal of the run's end. */
  constructor(log: Log, signal: AbortSignal) {
    this.log = log;
    this.signal = signal;
    signal.addEventListener("abort", () => this.interrupt(signal.reason));
  }

  /** Starts to keep a condition, until it is left as often as it was entered. */
  enter(condition: PollingCondition): void {
    const entered = this.#entered.get(condition);
    if (entered !== undefined) {
      entered.times++;
      return;
    }
    const timer = setInterval(() => {
      if (this.#watches.size > 0 && condition.due) this.#check(condition);
    }, condition.interval * 1000 / 2);
    timer.unref();
    this.#entered.set(condition, { timer, times: 1 });
  }

  /** Leaves a condition, which is kept no longer unless it was entered again. */
  exit(condition: PollingCondition): void {
    const entered = this.#entered.get(condition);
    if (entered === undefined || --entered.times > 0) return;
    this.#forget(condition);
  }

  #forget(condition: PollingCondition): void {
    clearInterval(this.#entered.get(condition)?.timer);
    this.#entered.delete(condition);
    this.#failed.delete(condition);
  }

  /** Takes a condition's word that it holds, whatever it said before. */
  held(condition: PollingCondition): void {
    this.#failed.delete(condition);
  }

  /** Runs a check. */
  checking<T>(fn: () => T): T {
    return this.#inCheck.run(true, fn);
  }

  /** Runs `fn`; once the signal is aborted, it can't begin anything any more. */
  within<T>(signal: AbortSignal, fn: () => T): T {
    return this.#bound.run(signal, fn);
  }

  /**
   * Does nothing while the flow that asks may go on.
   *
   * @throws The reason, where it may not.
   */
  throwIfAborted(): void {
    this.signal.throwIfAborted();
    this.#bound.getStore()?.throwIfAborted();
  }

  /**
   * Runs `fn` while all conditions that are entered hold; else the signal that
   * it gets is aborted, and so is what it does.
   */
  async watch<T>(fn: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.throwIfAborted();
    if (this.#inCheck.getStore()) return await fn(this.signal);
    for (const condition of [...this.#entered.keys()]) {
      if (condition.due) await this.#check(condition);
    }
    this.throwIfAborted();
    for (const failure of this.#failed.values()) throw failure;
    const watch = new AbortController();
    this.#watches.add(watch);
    try {
      return await fn(watch.signal);
    } finally {
      this.#watches.delete(watch);
    }
  }

  /** Runs `fn`, with a signal that an interruption and the run's end abort. */
  async interruptible<T>(fn: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.throwIfAborted();
    const wait = new AbortController();
    this.#waits.add(wait);
    try {
      return await fn(wait.signal);
    } finally {
      this.#waits.delete(wait);
    }
  }

  /** Ends what is under way at this moment; what begins later is left alone. */
  interrupt(reason: unknown): void {
    for (const wait of [...this.#watches, ...this.#waits]) wait.abort(reason);
  }

  /** Forgets all conditions. */
  clear(): void {
    for (const condition of [...this.#entered.keys()]) this.#forget(condition);
  }

  async #check(condition: PollingCondition): Promise<void> {
    if (await condition.holds() || !this.#entered.has(condition)) return;
    const { failure } = condition;
    this.#failed.set(condition, failure);
    for (const watch of [...this.#watches]) watch.abort(failure);
  }
}
