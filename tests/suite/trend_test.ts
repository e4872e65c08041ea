import { assertEquals } from "@std/assert";
import type { HistoryEntry } from "../../src/suite/history.ts";
import type { TestVerdict } from "../../src/suite/results.ts";
import { describeTrend, trendOf } from "../../src/suite/trend.ts";

const day = 24 * 3600 * 1000;

/** A run a day. */
function runs(...verdicts: TestVerdict[]): HistoryEntry[] {
  return verdicts.map((verdict, i) => ({
    test: "web",
    date: i * day,
    verdict,
    duration: 10 + i,
    attempts: verdict === "flaky" ? 2 : 1,
  }));
}

Deno.test("a test is red since the first red run after the last that passed", () => {
  const trend = trendOf(
    runs("failed", "passed", "flaky", "failed", "timeout", "crashed"),
  )!;
  assertEquals(trend.redSince, { date: 3 * day, runs: 3, wasGreen: true });
  assertEquals([trend.flaky, trend.red, trend.duration], [1, 4, 11]);
  assertEquals(
    describeTrend(trend),
    "of the last 6 runs, 1 passed, 1 flaky, 4 red, usually 11.0 s, red since 1970-01-04 00:00 UTC",
  );
});

Deno.test("a test that is green, or flaky, is red since nothing", () => {
  assertEquals(trendOf(runs("failed", "passed"))!.redSince, undefined);
  assertEquals(trendOf(runs("failed", "flaky"))!.redSince, undefined);
});

Deno.test("a test that never passed says so, and not since when", () => {
  const trend = trendOf(runs("failed", "timeout"))!;
  assertEquals(trend.redSince?.wasGreen, false);
  assertEquals(
    describeTrend(trend),
    "of the last 2 runs, 0 passed, 2 red, never seen green",
  );
});

Deno.test("a trend is of the last runs, but a test is red since all of its history", () => {
  const many = Array.from({ length: 50 }, (): TestVerdict => "failed");
  const trend = trendOf(runs("passed", ...many))!;
  assertEquals(trend.recent.length, 30);
  assertEquals(trend.redSince, { date: day, runs: 50, wasGreen: true });
});

Deno.test("a test without a history has no trend", () => {
  assertEquals(trendOf([]), undefined);
});
