import { assertEquals, assertStringIncludes } from "@std/assert";
import { historyOf } from "../../src/suite/history.ts";
import { suiteMarkdown } from "../../src/suite/markdown.ts";
import { withResults } from "../../src/suite/write_results.ts";
import { result, results } from "./made_results.ts";

Deno.test("GitHub's summary of a suite has the worst first, with history and reasons", () => {
  const whole = results([
    result("a|b", "passed"),
    result("web", "failed"),
    result("db", "flaky"),
  ], { shard: { index: 2, count: 3 } });
  const history = withResults(historyOf([]), whole);
  const notes = ["shard 1/3 never reported"];
  const text = suiteMarkdown(whole, { history, notes, passed: false });
  const rows = text.split("\n").filter((line) => line.startsWith("| "));
  assertEquals(rows, [
    "| | test | verdict | seconds | history |",
    "| ❌ | web | failed | 3.0 | of the last 1 run, 0 passed, 1 red, never seen green |",
    "| ⚠️ | db | flaky | 6.0 | of the last 1 run, 0 passed, 1 flaky, usually 3.0 s |",
    "| ✅ | a&#124;b | passed | 3.0 | of the last 1 run, 1 passed, usually 3.0 s |",
  ]);
  assertStringIncludes(
    text,
    "### ❌ house, shard 2/3: 1 failed, 1 flaky, 1 passed in 10.0 s\n\n❌ shard 1/3 never reported\n",
  );
  assertStringIncludes(text, "#### web\n\n```text\nweb went wrong\n```\n");
});

Deno.test("GitHub's summary of a large suite leaves out tests that passed", () => {
  const many = Array.from({ length: 250 }, (_, i) => result(`t${i}`, "passed"));
  const whole = results([...many, result("red", "failed")]);
  const text = suiteMarkdown(whole, {
    history: historyOf([]),
    notes: [],
    passed: false,
  });
  assertStringIncludes(text, "51 more tests are left out.");
  assertStringIncludes(text, "| ❌ | red |");
});
