import { assert, assertEquals } from "@std/assert";
import { type HistoryEntry, historyOf } from "../../src/suite/history.ts";
import { expectedSeconds, testsOfShard } from "../../src/suite/split.ts";

function entry(test: string, duration: number, more = {}): HistoryEntry {
  return {
    test,
    date: 0,
    verdict: "passed",
    duration,
    attempts: 1,
    ...more,
  };
}

const none = historyOf([]);

function parts(names: string[], count: number, history = none) {
  return Array.from(
    { length: count },
    (_, i) => testsOfShard(names, history, { index: i + 1, count }),
  );
}

Deno.test("the shards of a suite without a history have equally many tests, each once", () => {
  const names = Array.from({ length: 23 }, (_, i) => `test ${i}`);
  const found = parts(names, 5);
  assertEquals(found.flat().sort(), [...names].sort());
  assertEquals(found.map(({ length }) => length).sort(), [4, 4, 5, 5, 5]);
});

Deno.test("shards do not depend on the order of the suite, and keep it", () => {
  const names = ["d", "a", "c", "b", "ä", "B"];
  const history = historyOf([entry("a", 3), entry("d", 2), entry("B", 2)]);
  const other = [...names].reverse();
  for (const [i, part] of parts(names, 3, history).entries()) {
    const again = parts(other, 3, history)[i];
    assertEquals(again.reverse(), part);
  }
});

Deno.test("shards take about equally long by the history", () => {
  const seconds: Record<string, number> = {
    long: 600,
    ...Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`short ${i}`, 20 + i]),
    ),
  };
  const history = historyOf(
    Object.entries(seconds).map(([name, s]) => entry(name, s)),
  );
  const loads = parts(Object.keys(seconds), 3, history).map((part) =>
    part.reduce((sum, name) => sum + seconds[name], 0)
  );
  assert(Math.max(...loads) - Math.min(...loads) <= 20, loads.join());
});

Deno.test("more shards than tests leave some with none", () => {
  assertEquals(parts(["one", "two"], 3), [["one"], ["two"], []]);
});

Deno.test("tests that took no time are spread, too", () => {
  const names = ["a", "b", "c", "d"];
  const history = historyOf(names.map((name) => entry(name, 0)));
  assertEquals(parts(names, 2, history), [["a", "c"], ["b", "d"]]);
});

Deno.test("a test is expected to take what its last runs took, with all attempts", () => {
  const history = historyOf([
    ...[900, 900, 900, 10, 12, 11, 500, 13].map((s, i) =>
      entry("web", s, { date: i })
    ),
    entry("db", 5, { attempts: 3, verdict: "flaky" }),
    entry("mail", 100),
  ]);
  assertEquals(
    Object.fromEntries(
      expectedSeconds(["web", "db", "mail", "new"], history),
    ),
    // Of the last five of `web`, the one in the middle; what is new is usual.
    { web: 12, db: 15, mail: 100, new: 15 },
  );
});
