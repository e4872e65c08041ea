import { assertEquals } from "@std/assert";
import type { HistoryEntry } from "../../src/suite/history.ts";
import type { TestVerdict } from "../../src/suite/results.ts";
import { trendOf } from "../../src/suite/trend.ts";
import { trimmed } from "../../src/suite/trimmed.ts";

/** Runs of a test, one a second. */
function runs(verdicts: readonly TestVerdict[]): HistoryEntry[] {
  return verdicts.map((verdict, i) => ({
    test: "web",
    date: 1000 * i,
    verdict,
    duration: 1,
    attempts: 1,
  }));
}

const times = (count: number, verdict: TestVerdict) =>
  new Array<TestVerdict>(count).fill(verdict);

Deno.test("a history keeps the last hundred runs of a test that has run very often", () => {
  const entries = runs([...times(150, "failed"), ...times(51, "passed")]);
  assertEquals(trimmed(entries), entries.slice(-100));
  assertEquals(trimmed(entries.slice(1)), entries.slice(1));
});

Deno.test("a history keeps since when a test is red, however long that is", () => {
  for (
    const before of [times(50, "passed"), [
      ...times(5, "failed"),
      "flaky" as const,
    ], []]
  ) {
    const entries = runs([...before, ...times(250, "failed")]);
    const { redSince } = trendOf(trimmed(entries))!;
    const whole = trendOf(entries)!.redSince!;
    assertEquals([redSince?.date, redSince?.wasGreen], [
      whole.date,
      whole.wasGreen,
    ]);
  }
});
