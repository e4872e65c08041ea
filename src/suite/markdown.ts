import { cell, fenced } from "../report/summary.ts";
import type { History } from "./history.ts";
import { outcomeOf, reasonOf, worstFirst } from "./outcome.ts";
import { isBad, type SuiteResults, titleOf } from "./results.ts";
import { describeTrend, trendOf } from "./trend.ts";

/** Tests that are listed. */
const most = 200;
/** Tests whose reasons are shown. */
const mostReasons = 10;

const marks: Partial<Record<string, string>> = {
  passed: "✅",
  flaky: "⚠️",
  skipped: "➖",
};

/**
 * Makes a summary of a suite in Markdown, as GitHub shows it beside a job: the
 * tests, the worst first, with their history, and why they failed.
 *
 * @param results The results.
 * @param options.history What the tests were before, and are now.
 * @param options.notes What is missing, a sentence each.
 * @param options.passed Whether the suite passed.
 */
export function suiteMarkdown(
  results: SuiteResults,
  { history, notes, passed }: {
    history: History;
    notes: readonly string[];
    passed: boolean;
  },
): string {
  const { name, shard, tests, duration } = results;
  const part = shard === undefined
    ? ""
    : `, shard ${shard.index}/${shard.count}`;
  let out = `### ${passed ? "✅" : "❌"} ${cell(name)}${part}: ${
    outcomeOf(results).text
  } in ${duration.toFixed(1)} s\n\n`;
  for (const note of notes) out += `❌ ${cell(note)}\n\n`;
  const sorted = worstFirst(tests);
  if (sorted.length > 0) {
    out += "| | test | verdict | seconds | history |\n|---|---|---|---:|---|\n";
  }
  for (const test of sorted.slice(0, most)) {
    const trend = trendOf(history.get(test.name) ?? []);
    out += `| ${marks[test.verdict] ?? "❌"} | ${
      cell(titleOf(test))
    } | ${test.verdict} | ${test.duration.toFixed(1)} | ${
      trend === undefined ? "" : cell(describeTrend(trend))
    } |\n`;
  }
  const left = sorted.length - most;
  if (left > 0) out += `\n${left} more tests are left out.\n`;
  out += "\n";
  const bad = sorted.filter(({ verdict }) => isBad(verdict));
  for (const test of bad.slice(0, mostReasons)) {
    const reason = reasonOf(test);
    if (reason === undefined) continue;
    out += `#### ${cell(titleOf(test))}\n\n${fenced(reason)}`;
  }
  return out;
}
