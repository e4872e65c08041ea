import { freeMemory } from "../driver/free_memory.ts";
import { attempt, type AttemptSurroundings } from "./attempt.ts";
import { Board } from "./board.ts";
import { addToHistory, entryOf } from "./history.ts";
import type { Entry, SuitePlan } from "./plan_suite.ts";
import { Queue } from "./queue.ts";
import {
  type AttemptResult,
  directoryOfTest,
  isBad,
  resultsHeader,
  type SuiteResults,
  type SuiteTestResult,
  titleOf,
} from "./results.ts";
import { shownSize } from "./size.ts";
import type { SuiteOptions } from "./suite_options.ts";

/** What a run of a suite needs beside its plan. */
export interface RunSurroundings
  extends Omit<AttemptSurroundings, "folder" | "forkMemory"> {
  /** Called when there is something new in the results. */
  readonly onChange: () => void;
}

/** Why a test has not come to its end. */
const INTERRUPTED = "the suite was interrupted";

/**
 * One run of a suite: decides which test begins when, and collects the results.
 */
export class SuiteRun {
  readonly #plan: SuitePlan;
  readonly #options: SuiteOptions;
  readonly #results: Map<Entry, SuiteTestResult>;
  readonly #date = Date.now();
  readonly #began = performance.now();
  /** Bytes of memory that the tests have together. */
  readonly #budget: number;
  readonly #workers: number;
  #peak = () => 0;
  #failures = 0;

  /** Takes the plan. */
  constructor(plan: SuitePlan, options: SuiteOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#budget = options.memory ?? Math.max(1, freeMemory());
    this.#workers = options.workers ?? navigator.hardwareConcurrency;
    this.#results = new Map(plan.entries.map((entry) => {
      const { name, repetition, tags, skip } = entry.test;
      const result: SuiteTestResult = {
        name,
        ...repetition !== undefined && { repetition },
        tags,
        verdict: skip === undefined ? "unfinished" : "skipped",
        ...skip !== undefined && { reason: skip },
        duration: 0,
        attempts: [],
      };
      return [entry, result];
    }));
  }

  /** The results of the suite so far. */
  results(): SuiteResults {
    const { shard } = this.#options;
    const host = hostName();
    return {
      ...resultsHeader,
      name: this.#plan.loaded.name,
      date: this.#date,
      duration: (performance.now() - this.#began) / 1000,
      ...host !== undefined && { host },
      ...shard !== undefined && { shard },
      planned: this.#plan.planned,
      tests: [...this.#results.values()],
      budget: {
        memory: this.#budget,
        workers: this.#workers,
        peak: this.#peak(),
      },
    };
  }

  /** Runs all tests; resolves when none runs any more. */
  async all(surroundings: RunSurroundings): Promise<void> {
    const { memory, signal } = surroundings;
    this.#peak = () => memory.peak;
    const { memory: given, maxFailures = Infinity } = this.#options;
    const queue: Queue<Entry> = new Queue<Entry>({
      memory: this.#budget,
      cores: Math.max(navigator.hardwareConcurrency, this.#workers),
      workers: this.#workers,
      // Memory that running tests have not used yet is not free.
      available: given === undefined
        ? () => freeMemory() - Math.max(0, queue.memory - memory.now)
        : undefined,
    });
    using board = new Board({
      count: this.#plan.entries.length,
      memory: this.#budget,
      state: () => ({ waiting: queue.length, memory: queue.memory }),
    });
    for (const entry of this.#plan.entries) {
      const { test, needs } = entry;
      if (test.skip !== undefined) this.#tell(entry, board);
      else if (needs.memory > this.#budget) this.#refuse(entry, board);
      else queue.add(entry, needs);
    }
    const running = new Set<Promise<void>>();
    const begin = () => {
      for (;;) {
        const entry = queue.begin();
        if (entry === undefined) return;
        const whole = this.#test(entry, board, surroundings).finally(() => {
          queue.end(entry);
          running.delete(whole);
        });
        running.add(whole);
      }
    };
    for (;;) {
      const why = signal.aborted
        ? INTERRUPTED
        : this.#failures >= maxFailures
        ? `no more tests begin after ${this.#failures} that did not pass`
        : undefined;
      if (why !== undefined) {
        for (const entry of queue.clear()) this.#set(entry, { reason: why });
      }
      begin();
      if (running.size === 0) return;
      await Promise.race(running);
      surroundings.onChange();
    }
  }

  /** Runs a test, and tries it again if it does not pass. */
  async #test(
    entry: Entry,
    board: Board,
    surroundings: RunSurroundings,
  ): Promise<void> {
    const { test, setting } = entry;
    const { loaded, outDir } = this.#plan;
    const retries = this.#options.retries ?? test.retries ?? 0;
    // Forks get the rest of the test's share, so that those of all tests have
    // room.
    const share = this.#budget /
      Math.min(this.#workers, this.#plan.entries.length);
    const { memory, declared } = entry.needs;
    const forkMemory = Math.max(share, memory) - declared;
    board.began(titleOf(test));
    const attempts: AttemptResult[] = [];
    while (attempts.length <= retries) {
      const own = `tests/${directoryOfTest(test)}/${attempts.length + 1}`;
      const begun: AttemptResult = {
        verdict: "unfinished",
        directory: own,
        date: Date.now(),
        duration: 0,
      };
      this.#set(entry, { attempts: [...attempts, begun] });
      const result = await attempt(
        test,
        setting,
        `${outDir}/${own}`,
        { ...surroundings, folder: loaded.folder, forkMemory },
      ).catch((error): AttemptResult => ({
        ...begun,
        verdict: "crashed",
        reason: `it could not begin: ${error.message}`,
      }));
      attempts.push({ ...result, directory: own });
      this.#set(entry, { attempts: [...attempts] });
      if (!isBad(result.verdict) || surroundings.signal.aborted) break;
    }
    const last = attempts.at(-1)!;
    const isCut = isBad(last.verdict) && attempts.length <= retries;
    this.#set(entry, {
      // Nobody knows how the next attempt would have ended.
      ...isCut && { reason: INTERRUPTED },
      verdict: isCut
        ? "unfinished"
        : last.verdict === "passed" && attempts.length > 1
        ? "flaky"
        : last.verdict,
      duration: attempts.reduce((sum, { duration }) => sum + duration, 0),
    });
    this.#tell(entry, board);
  }

  /** Reports that a test can't run here. */
  #refuse(entry: Entry, board: Board): void {
    const { memory } = this.#options;
    this.#set(entry, {
      verdict: "failed",
      reason: `it needs ${shownSize(entry.needs.memory)} of memory, and ${
        memory === undefined
          ? `the host has ${shownSize(this.#budget)} for tests`
          : `the suite has ${shownSize(this.#budget)}`
      }`,
    });
    this.#tell(entry, board);
  }

  #set(entry: Entry, change: Partial<SuiteTestResult>): void {
    this.#results.set(entry, { ...this.#results.get(entry)!, ...change });
  }

  /** Tells everybody that a test is over. */
  #tell(entry: Entry, board: Board): void {
    const result = this.#results.get(entry)!;
    if (isBad(result.verdict)) this.#failures++;
    board.ended(result, this.#plan.shownOutDir);
    const kept = entryOf(result);
    // The history is written at once, because the suite may be killed.
    if (kept !== undefined) addToHistory(this.#plan.historyPath, [kept]);
  }
}

function hostName(): string | undefined {
  try {
    return Deno.hostname();
  } catch {
    return undefined;
  }
}
