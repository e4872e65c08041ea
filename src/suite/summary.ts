import { guardedHere } from "../report/mod.ts";
import { harmless } from "../scan/mod.ts";
import { outcomeOf, reasonOf, worstFirst } from "./outcome.ts";
import { seconds } from "./reason.ts";
import { isBad, type SuiteResults, titleOf } from "./results.ts";
import { shownSize } from "./size.ts";

/** How many of the slowest tests the summary lists. */
const SLOWEST = 10;

/**
 * The text at the end of a suite: the tests that did not pass, the slowest
 * tests, and how many tests have each verdict.
 *
 * @param results The results.
 * @param directory The directory of the results, as a person would name it.
 */
export function summaryOf(results: SuiteResults, directory: string): string {
  const { tests } = results;
  let out = "\n";
  for (const test of worstFirst(tests)) {
    if (!isBad(test.verdict) && test.verdict !== "flaky") continue;
    out += `${test.verdict}: ${titleOf(test)} (${seconds(test.duration)})\n`;
    for (const line of harmless(reasonOf(test) ?? "").split("\n")) {
      if (line !== "") out += `  ${line}\n`;
    }
    const pages = test.attempts.flatMap(({ directory: own }) =>
      own === undefined ? [] : `${directory}/${own}/report.html`
    );
    for (const page of pages) out += `  ${page}\n`;
    out += "\n";
  }
  const slowest = tests.filter(({ attempts }) => attempts.length > 0)
    .sort((a, b) => b.duration - a.duration).slice(0, SLOWEST);
  if (slowest.length > 1) {
    out += "what took longest:\n";
    for (const test of slowest) {
      out += `  ${seconds(test.duration).padStart(9)}  ${titleOf(test)}\n`;
    }
    out += "\n";
  }
  const { shard, budget } = results;
  const part = shard === undefined
    ? ""
    : ` of shard ${shard.index}/${shard.count}`;
  const tasks = tests.length === 1 ? "1 test" : `${tests.length} tests`;
  // Where tests ran each for itself, nobody shared any memory.
  const memory = budget.memory === 0
    ? ""
    : `, with at most ${shownSize(budget.peak)} of ${
      shownSize(budget.memory)
    } of memory`;
  out += `${tasks}${part}: ${outcomeOf(results).text} in ${
    seconds(results.duration)
  }${memory}\n${directory}/report.html\n`;
  return guardedHere(out);
}
