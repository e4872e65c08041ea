import type { BackendName } from "../backend/mod.ts";
import { SubtestFailures, UsageError } from "../errors.ts";
import type { Faults } from "../machine/mod.ts";
import type { Log } from "../report/mod.ts";
import type { Conditions } from "./conditions.ts";
import type { MachineOf } from "./kinds.ts";
import { type Fork, originalsOf, Snapshot } from "./snapshot.ts";
import type { StandIns } from "./stand_ins.ts";

/** Options of {@linkcode Driver.subtest}. */
export interface SubtestOptions {
  /**
   * Whether the test goes on if the subtest fails; the driver's option if
   * nothing is given.
   */
  keepGoing?: boolean;
  /**
   * A snapshot, of which the subtest gets a fork of its own; if nothing is
   * given, it runs on the machines of the test.
   */
  from?: Snapshot;
  /**
   * Whether the guests' clocks stay at the time of the snapshot in a fork;
   * otherwise they get the host's time.
   *
   * @default {false}
   */
  keepClock?: boolean;
  /**
   * Whether the machines of a fork share no memory with other forks. This takes
   * longer, and `limitMemory()` needs it.
   *
   * @default {false}
   */
  ownMemory?: boolean;
}

/** A subtest that failed. */
export interface SubtestFailure {
  /** Its name. */
  readonly name: string;
  /** The error that it failed with. */
  readonly error: unknown;
}

/** What a subtest runs. Only one on a fork gets machines. */
export type SubtestFunction<T, Backends extends BackendName = BackendName> = (
  machines: Fork<Backends>["named"],
  fork: Fork<Backends>,
) => T | Promise<T>;

/** The parts of a run that its subtests use. */
export interface LentToSubtests {
  /** The log. */
  readonly log: Log;
  /** The faults that the test has set. */
  readonly faults: Faults;
  /** Notes which machines a subtest on a fork uses. */
  readonly standIns: StandIns;
  /** The conditions, which know whether the run is over. */
  readonly conditions: Conditions;
  /** Whether the test goes on after a subtest that failed. */
  readonly keepGoing: boolean;
  /** Called for each failed subtest after which the test goes on. */
  onFailure?(failure: SubtestFailure): Promise<void>;
  /** Called for each failure of a subtest on a fork, before the fork ends. */
  onForkFailure?(
    machines: readonly MachineOf[],
    error: unknown,
  ): Promise<void>;
}

/** The subtests of a run, and those that failed. */
export class Subtests {
  readonly #lent: LentToSubtests;
  #failures: SubtestFailure[] = [];

  /** Takes the parts of the run. */
  constructor(lent: LentToSubtests) {
    this.#lent = lent;
  }

  /** The subtests that failed, after which the test went on. */
  get failures(): readonly SubtestFailure[] {
    return this.#failures;
  }

  /** Forgets the failures: the test script begins. */
  forget(): void {
    this.#failures = [];
  }

  /**
   * Runs a subtest.
   *
   * @returns What `fn` returns; nothing if it fails and the test goes on.
   */
  async run<T>(
    name: string,
    { keepGoing, ...options }: SubtestOptions,
    fn: SubtestFunction<T>,
  ): Promise<T | undefined> {
    const { log } = this.#lent;
    let goesOn = false;
    try {
      return await log.subtest(name, async () => {
        try {
          return "from" in options
            ? await this.#onFork(name, options, fn)
            : await (fn as () => T | Promise<T>)();
        } catch (error) {
          goesOn = await this.goesOn({ name, error }, keepGoing);
          throw error;
        } finally {
          await this.heal(log.currentSubtest?.id);
        }
      });
    } catch (error) {
      if (!goesOn) throw error;
    }
  }

  async #onFork<T>(
    name: string,
    { from, ...options }: SubtestOptions,
    fn: SubtestFunction<T>,
  ): Promise<T> {
    if (!(from instanceof Snapshot)) {
      throw new UsageError(
        `Expected a snapshot in the subtest's option "from", got ${
          Deno.inspect(from)
        }`,
      );
    }
    await using fork = await from.fork({ ...options, wait: true });
    try {
      return await this.#lent.standIns.within(
        name,
        originalsOf(fork),
        () => fn(fork.named, fork),
      );
    } catch (error) {
      await this.forkFailed(fork, error);
      throw error;
    }
  }

  /** Reports that a subtest failed, before the fork that it ran on ends. */
  async forkFailed(fork: Fork, error: unknown): Promise<void> {
    if (this.#isOver) return;
    await this.#lent.onForkFailure?.(fork.machines, error);
  }

  /**
   * Notes that a subtest failed, where the test goes on after it.
   *
   * @param keepGoing Whether it does; by default, the driver's option.
   * @returns Whether it does.
   */
  async goesOn(
    failure: SubtestFailure,
    keepGoing: boolean = this.#lent.keepGoing,
  ): Promise<boolean> {
    if (!keepGoing || this.#isOver) return false;
    this.#failures.push(failure);
    await this.#lent.onFailure?.(failure);
    return true;
  }

  /** Whether the calling code's run is over, so that all its requests fail. */
  get #isOver(): boolean {
    try {
      this.#lent.conditions.throwIfAborted();
      return false;
    } catch {
      return true;
    }
  }

  /** Ends the faults of a subtest, by its number in the log. */
  async heal(subtest: number | undefined): Promise<void> {
    if (subtest !== undefined) await this.#lent.faults.endScope(subtest);
  }

  /**
   * Fails if the test went on after failed subtests.
   *
   * @throws The error of the failed subtest; if several failed, {@linkcode
   * SubtestFailures}.
   */
  throwFailures(): void {
    if (this.#failures.length === 0) return;
    if (this.#failures.length === 1) throw this.#failures[0].error;
    throw new SubtestFailures(
      this.#failures.map(({ name }) => name),
      this.#failures.map(({ error }) => error),
    );
  }
}
