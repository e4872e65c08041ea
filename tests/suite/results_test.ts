import {
  assertEquals,
  assertLess,
  assertMatch,
  assertThrows,
} from "@std/assert";
import { UsageError } from "../../src/errors.ts";
import { addToHistory, readHistory } from "../../src/suite/history.ts";
import { directoryOfTest, readResults } from "../../src/suite/results.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";
import { result, results } from "./made_results.ts";

Deno.test("each test has a directory of its own, whatever its name", () => {
  const names: [string, number | undefined, string][] = [
    ["web[kernel=6.1]", undefined, "web[kernel=6.1]"],
    ["a b", 2, "a b #2"],
    ["a b #2", undefined, "a b %232"],
    ["a/b", undefined, "a%2fb"],
    ["a%2fb", undefined, "a%252fb"],
    ["..", undefined, "%2e%2e"],
    [".", undefined, "%2e"],
    ["a\nb\\", undefined, "a%0ab%5c"],
    ["größer", undefined, "größer"],
    [`a: "b" <c>|*?`, undefined, "a%3a %22b%22 %3cc%3e%7c%2a%3f"],
  ];
  for (const [name, repetition, directory] of names) {
    assertEquals(directoryOfTest({ name, repetition }), directory);
  }
});

Deno.test("a test whose name is too long for a file has a directory of its own", () => {
  const long = `web[kernel=${"ü".repeat(500)}`;
  const names = [`${long}1]`, `${long}2]`].flatMap((name) => [
    directoryOfTest({ name }),
    directoryOfTest({ name, repetition: 1000 }),
  ]);
  assertEquals(new Set(names).size, 4);
  for (const name of names) {
    assertMatch(name, /^web\[kernel=ü+~[0-9a-f]{16}( #1000)?$/);
    assertLess(new TextEncoder().encode(name).length, 250);
  }
});

Deno.test("results that lack a part are refused", () => {
  using folder = temporaryDirectory({});
  const path = `${folder.path}/suite.json`;
  const whole = results([result("a", "failed")], {
    shard: { index: 1, count: 2 },
  });
  const write = (changed: unknown) =>
    Deno.writeTextFileSync(path, JSON.stringify(changed));
  write(whole);
  assertEquals(readResults(folder.path), whole);
  const [test] = whole.tests, [attempt] = test.attempts;
  const partial: Record<string, unknown>[] = [
    ...["name", "date", "duration", "planned", "tests", "budget"].map((
      key,
    ) => ({
      [key]: undefined,
    })),
    { date: 1e300 },
    { planned: [1] },
    { shard: { index: 1, count: 1e9 } },
    { budget: { memory: 1, workers: 1 } },
    { tests: {} },
    ...[null, { ...test, tags: "a" }, { ...test, attempts: undefined }, {
      ...test,
      attempts: [{ ...attempt, reason: 1 }],
    }].map((one) => ({ tests: [one] })),
  ];
  for (const change of partial) {
    write({ ...whole, ...change });
    assertThrows(
      () => readResults(folder.path),
      UsageError,
      `Expected whole results of a suite in ${path}`,
      JSON.stringify(change),
    );
  }
});

Deno.test("results of another kind or of a later version are refused", () => {
  using folder = temporaryDirectory({
    "later/suite.json": `{"format":"vmwright-suite","version":2}`,
    "broken/suite.json": "{",
  });
  assertEquals(readResults(folder.path), undefined);
  for (const name of ["later", "broken"]) {
    assertThrows(
      () => readResults(`${folder.path}/${name}`),
      UsageError,
      "to have the format vmwright-suite of version 1, got",
    );
  }
});

Deno.test("an incomplete line of the history is skipped, and no later one", () => {
  using folder = temporaryDirectory({});
  const path = `${folder.path}/history`;
  const entry = (date: number) => ({
    test: "web",
    date,
    verdict: "passed" as const,
    duration: 1,
    attempts: 1,
  });
  addToHistory(path, [entry(2)]);
  Deno.writeTextFileSync(path, `{"test":"we`, { append: true });
  addToHistory(path, [entry(1)]);
  Deno.writeTextFileSync(path, `"text"\n{"test":"web"}\n`, { append: true });
  assertEquals([...readHistory(path)], [["web", [entry(1), entry(2)]]]);
});
