import { suiteTestVerdicts } from "../report/page_format.ts";
import { isBad, type SuiteResults, type SuiteTestResult } from "./results.ts";

/** The outcome of a suite as a whole. */
export interface Outcome {
  /** Whether every test is as it should be. */
  readonly passed: boolean;
  /** How many tests have each verdict, the worst verdict first. */
  readonly text: string;
}

/**
 * Judges a suite.
 *
 * @param results The results of its tests.
 * @param options.failOnFlaky Whether a flaky test is a failure. Default: no.
 */
export function outcomeOf(
  { tests }: SuiteResults,
  { failOnFlaky = false }: { failOnFlaky?: boolean } = {},
): Outcome {
  const counts = suiteTestVerdicts.map((verdict) =>
    [verdict, tests.filter((test) => test.verdict === verdict).length] as const
  ).filter(([, count]) => count > 0);
  const passed = tests.every(({ verdict }) =>
    !isBad(verdict) && verdict !== "unfinished" &&
    !(failOnFlaky && verdict === "flaky")
  );
  const text = counts.map(([verdict, count]) => `${count} ${verdict}`)
    .join(", ");
  return { passed, text: text === "" ? "no test" : text };
}

/** Tests in the order for a person: the worst first. */
export function worstFirst(
  tests: readonly SuiteTestResult[],
): SuiteTestResult[] {
  return [...tests].sort((a, b) =>
    suiteTestVerdicts.indexOf(a.verdict) - suiteTestVerdicts.indexOf(b.verdict)
  );
}

/** Why a test did not run, or why the last attempt that did not pass did not. */
export function reasonOf(
  { reason, attempts }: SuiteTestResult,
): string | undefined {
  return reason ??
    attempts.findLast((attempt) => attempt.reason !== undefined)?.reason;
}
