import { AsyncLocalStorage } from "node:async_hooks";
import { ConditionFailure, type TestFailure } from "../errors.ts";
import type { Log } from "../report/mod.ts";
import { retry } from "./retry.ts";

/** Options of a polling condition; see `Driver.pollingCondition`. */
export interface ConditionOptions {
  readonly interval?: number;
  readonly description?: string;
}

/** Makes a {@linkcode PollingCondition}; only a driver does. */
export let makeCondition: (
  fn: () => unknown,
  options: ConditionOptions,
  conditions: Conditions,
) => PollingCondition;

/**
 * Something that has to stay true. While the condition is entered, the driver
 * checks it before each action of a machine and, at its interval, meanwhile. If
 * it does not hold, all actions of machines fail.
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
   * Enters the condition: it must hold from now on, until it is left or the
   * returned object is disposed. If it is entered several times, it must be
   * left as often.
   */
  enter(): this {
    this.#conditions.enter(this);
    return this;
  }

  /**
   * Leaves the condition. It need not hold any more, unless it was entered
   * again.
   */
  exit(): void {
    this.#conditions.exit(this);
  }

  /** Enters the condition while `fn` runs. */
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
   * @param options.timeout Seconds to wait at most; `null`: no limit. Default:
   * 900.
   * @throws {TestFailure} if the time passes first.
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
   * Checks the condition now, or waits for a check that is under way. A
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

  /** The failure of the last check, for a test. */
  get failure(): TestFailure {
    return new ConditionFailure(this.description, this.#error);
  }

  /** Leaves the condition. */
  [Symbol.dispose](): void {
    this.exit();
  }
}

/** The conditions of a run, and the actions that fail if one does not hold. */
export class Conditions {
  /** The log for checks. */
  readonly log: Log;
  /** Aborted at the end of the run. */
  readonly signal: AbortSignal;
  readonly #entered = new Map<
    PollingCondition,
    { timer: ReturnType<typeof setInterval>; times: number }
  >();
  readonly #watches = new Set<AbortController>();
  /** The waits that {@linkcode interrupt} ends, beside the watches. */
  readonly #waits = new Set<AbortController>();
  /** Set in the flow of a check, whose own actions need no conditions. */
  readonly #inCheck = new AsyncLocalStorage<boolean>();
  /** A signal that ends the current flow, beside the run's end. */
  readonly #bound = new AsyncLocalStorage<AbortSignal>();
  /** The entered conditions that did not hold at their last check. */
  readonly #failed = new Map<PollingCondition, TestFailure>();

  /** Takes the log and the signal of the run's end. */
  constructor(log: Log, signal: AbortSignal) {
    this.log = log;
    this.signal = signal;
    signal.addEventListener("abort", () => this.interrupt(signal.reason));
  }

  /** Whether the calling code is a condition's. */
  get isInCheck(): boolean {
    return this.#inCheck.getStore() ?? false;
  }

  /** Enters a condition, until it is left as often as it was entered. */
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

  /** Leaves a condition. It may still be entered by others. */
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

  /** Notes that a condition holds now, whatever its last check was. */
  held(condition: PollingCondition): void {
    this.#failed.delete(condition);
  }

  /** Runs a check. */
  checking<T>(fn: () => T): T {
    return this.#inCheck.run(true, fn);
  }

  /**
   * Runs `fn`. When the signal is aborted, it can't begin any action any more.
   */
  within<T>(signal: AbortSignal, fn: () => T): T {
    return this.#bound.run(signal, fn);
  }

  /**
   * Does nothing if the current flow may go on.
   *
   * @throws The reason, if it may not.
   */
  throwIfAborted(): void {
    this.signal.throwIfAborted();
    this.#bound.getStore()?.throwIfAborted();
  }

  /**
   * Runs `fn` while all entered conditions hold. If one does not, the signal
   * that `fn` gets is aborted.
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

  /**
   * Ends all actions and waits that are under way. Later ones are not affected.
   */
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
