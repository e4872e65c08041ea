import { Supervisor } from "../backend/mod.ts";
import { UsageError } from "../errors.ts";
import { writeStandardError } from "../report/standard_error.ts";
import { Emergency } from "../run/emergency.ts";
import { exitCodes } from "../run/exit_codes.ts";
import {
  type Interruption,
  interruptionBy,
  onInterruption,
} from "../run/interruption.ts";
import { MemoryWatch } from "./memory_watch.ts";
import { planSuite, type SuitePlan } from "./plan_suite.ts";
import { reasonOf } from "./outcome.ts";
import { programWords } from "./program.ts";
import { type SuiteResults, titleOf } from "./results.ts";
import { ResultsDirectory } from "./results_directory.ts";
import type { SuiteOptions } from "./suite_options.ts";
import { SuiteRun } from "./suite_run.ts";
import { summaryOf } from "./summary.ts";
import { writeReports } from "./write_results.ts";

/** How a suite ended. */
export interface SuiteOutcome {
  /** The result of each test. */
  readonly results: SuiteResults;
  /** The exit status that the command line would have. */
  readonly exitCode: number;
  /** Whether a signal has ended it. */
  readonly interrupted: boolean;
}

/**
 * Runs the tests of a suite as `vmwright test` does: each in a process of its
 * own, as many at a time as the host has memory and processors for. It shows
 * its progress on standard error, and leaves reports of each test and of the
 * whole suite.
 *
 * @example
 * ```ts
 * import { runSuite } from "./mod.ts";
 *
 * const { exitCode } = await runSuite({
 *   suite: {
 *     tests: { web: { startScripts: ["./run-web-vm"], script: "web.ts" } },
 *   },
 *   retries: 1,
 * });
 * Deno.exit(exitCode);
 * ```
 *
 * @param options What to run, and how.
 * @returns The exit status that the command line would have, and the result of
 * each test: its verdict, the seconds of all its attempts, and why it did not
 * pass. `suite.json` in the directory of the results has more. A test that
 * fails is no exception.
 * @throws {UsageError} if the options or the suite are wrong. Nothing was started
 * then.
 */
export async function runSuite(
  options: SuiteOptions = {},
): Promise<{
  exitCode: number;
  tests: {
    name: string;
    verdict:
      | "passed"
      | "flaky"
      | "skipped"
      | "failed"
      | "timeout"
      | "crashed"
      | "unfinished";
    duration: number;
    reason?: string;
  }[];
}> {
  const plan = await planSuite(options);
  const { results, exitCode } = await runPlan(plan, options, programWords());
  const tests = results.tests.map((test) => {
    const reason = reasonOf(test);
    return {
      name: titleOf(test),
      verdict: test.verdict,
      duration: test.duration,
      ...reason !== undefined && { reason },
    };
  });
  return { exitCode, tests };
}

/**
 * Runs the planned tests.
 *
 * @param plan The tests.
 * @param options How to run them.
 * @param program The words that start this program.
 * @throws {UsageError} if the directory of the results can't be used.
 */
export async function runPlan(
  plan: SuitePlan,
  options: SuiteOptions,
  program: readonly string[],
): Promise<SuiteOutcome> {
  const run = new SuiteRun(plan, options);
  using directory = new ResultsDirectory(plan.outDir, () => run.results());
  requireHistory(plan.historyPath);
  const stop = new AbortController();
  const emergency = new Emergency();
  let interruption: Interruption | undefined;
  const interrupt = (by: Interruption) => {
    interruption ??= by;
    stop.abort(by);
  };
  using _signals = onInterruption(interrupt, (code) => emergency.exit(code));
  const { signal } = options;
  const onAbort = () => interrupt(interruptionBy(signal!.reason));
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);
  try {
    await using supervisor = new Supervisor();
    emergency.add(() => supervisor.killNow());
    using memory = new MemoryWatch();
    await run.all({
      program,
      supervisor,
      memory,
      signal: stop.signal,
      onChange: () => directory.touch(),
    });
    emergency.clear();
  } finally {
    signal?.removeEventListener("abort", onAbort);
    directory.write();
  }
  const results = run.results();
  const { failOnFlaky } = options;
  const { passed } = await writeReports(results, plan.outDir, {
    history: plan.history,
    failOnFlaky,
  });
  writeStandardError(summaryOf(results, plan.shownOutDir));
  return {
    results,
    interrupted: interruption !== undefined,
    exitCode: interruption?.exitCode ??
      (passed ? exitCodes.passed : exitCodes.failed),
  };
}

/** Reports limits that can't be kept before anything starts. */
function requireHistory(path: string): void {
  try {
    Deno.openSync(path, { append: true, create: true }).close();
  } catch (error) {
    throw new UsageError(
      `Expected a file for the history of the suite at ${path}: ${
        (error as Error).message
      }`,
    );
  }
}
