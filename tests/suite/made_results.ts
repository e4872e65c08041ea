import {
  type AttemptVerdict,
  directoryOfTest,
  RESULTS_FILE,
  resultsHeader,
  type SuiteResults,
  type SuiteTestResult,
  type TestVerdict,
} from "../../src/suite/results.ts";
import { EventFileListener } from "../../src/report/mod.ts";
import { MadeRun } from "../report/made_runs.ts";

/** The first of January 2026, in milliseconds since 1970. */
export const newYear = Date.UTC(2026, 0, 1);

/** A test that has come to something; flaky ones have a red attempt before. */
export function result(
  name: string,
  verdict: TestVerdict,
  more: Partial<SuiteTestResult> = {},
): SuiteTestResult {
  const ends: AttemptVerdict[] = verdict === "flaky"
    ? ["failed", "passed"]
    : verdict === "skipped" || verdict === "unfinished"
    ? []
    : [verdict];
  return {
    name,
    tags: [],
    verdict,
    duration: 3 * ends.length,
    attempts: ends.map((end, i) => ({
      verdict: end,
      directory: `tests/${directoryOfTest({ name })}/${i + 1}`,
      date: newYear + 3000 * i,
      duration: 3,
      ...end === "passed" ? {} : { reason: `${name} went wrong` },
    })),
    ...more,
  };
}

/** Results of a suite called `house`. */
export function results(
  tests: readonly SuiteTestResult[],
  more: Partial<SuiteResults> = {},
): SuiteResults {
  return {
    ...resultsHeader,
    name: "house",
    date: newYear,
    duration: 10,
    planned: tests.map(({ name }) => name),
    tests,
    budget: { memory: 2 ** 30, workers: 2, peak: 2 ** 20 },
    ...more,
  };
}

/** Writes a directory of results, with the events of each attempt. */
export function writeResults(directory: string, whole: SuiteResults): void {
  Deno.mkdirSync(directory, { recursive: true });
  Deno.writeTextFileSync(
    `${directory}/${RESULTS_FILE}`,
    JSON.stringify(whole),
  );
  for (const { name, attempts } of whole.tests) {
    for (const { directory: own, verdict } of attempts) {
      if (own === undefined) continue;
      const folder = `${directory}/${own}`;
      Deno.mkdirSync(folder, { recursive: true });
      const run = new MadeRun(name);
      run.pass(3).over(
        verdict,
        verdict === "passed" ? undefined : {
          name: "Error",
          message: `${name} went wrong`,
        },
      );
      const file = new EventFileListener(`${folder}/events.jsonl`);
      for (const event of run.events) file.on(event);
      file.close();
    }
  }
}
