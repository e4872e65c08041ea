import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/errors.ts";
import { addToHistory, readHistory } from "../../src/suite/history.ts";
import { directoryOfTest, readResults } from "../../src/suite/results.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";

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
