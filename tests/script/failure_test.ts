import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestFailure } from "../../src/report/mod.ts";
import {
  authorPositions,
  describeFailure,
  excerpt,
} from "../../src/script/failure.ts";

const five = "one\ntwo\n\tthree\nfour\nfive\n";

const excerpts: [string, number, number, string][] = [
  [
    "a line in the middle has two around it, tabs kept above the mark",
    3,
    2,
    "  1 | one\n  2 | two\n> 3 | \tthree\n    | \t^\n  4 | four\n  5 | five",
  ],
  ["the first line", 1, 1, "> 1 | one\n    | ^\n  2 | two\n  3 | \tthree"],
  ["the last line", 5, 3, "  3 | \tthree\n  4 | four\n> 5 | five\n    |   ^"],
];
for (const [name, line, column, expected] of excerpts) {
  Deno.test(`an excerpt shows ${name}`, () => {
    assertEquals(excerpt(five, { line, column }), expected);
  });
}

Deno.test("line numbers of different lengths are aligned", () => {
  const text = Array.from({ length: 12 }, (_, i) => `line ${i + 1}`).join("\n");
  assertEquals(
    excerpt(text, { line: 10, column: 1 }, 1),
    "   9 | line 9\n> 10 | line 10\n     | ^\n  11 | line 11",
  );
});

function thrownAt(...frames: string[]): Error {
  const error = new TestFailure("it failed");
  error.stack = ["TestFailure: it failed", ...frames].join("\n    at ");
  return error;
}

const own = new URL("../../src/machine/machine.ts", import.meta.url).href;

Deno.test("positions in the driver and in the runtime are not the author's", () => {
  const error = thrownAt(
    `BaseMachine.succeed (${own}:5:6)`,
    "ext:core/01_core.js:1:2",
    "async helper (file:///there/help%20er.ts:7:8)",
    "async file:///there/test.ts?run=2:9:10",
  );
  assertEquals(authorPositions(error), [
    { url: "file:///there/help%20er.ts", line: 7, column: 8 },
    { url: "file:///there/test.ts", line: 9, column: 10 },
  ]);
});

const context = {
  scriptUrl: "file:///there/test.ts",
  scriptName: "test.ts",
  scriptText: "await machine.start();\nawait machine.succeed('false');\n",
};

Deno.test("a failure tells place, error, what was being done, and where to look", () => {
  const error = thrownAt(
    `BaseMachine.succeed (${own}:5:6)`,
    "async file:///there/test.ts:2:7",
  );
  assertEquals(
    describeFailure(error, {
      ...context,
      steps: ["machine: must succeed: false", "subtest one"],
      artifacts: "/out/report.html",
    }),
    `test.ts:2:7
  1 | await machine.start();
> 2 | await machine.succeed('false');
    |       ^
TestFailure: it failed
while: machine: must succeed: false
while: subtest one
artifacts: /out/report.html`,
  );
});

Deno.test("an error in a file that the script imports shows both places", () => {
  const error = thrownAt(
    "helper (file:///gone/helper.ts:3:4)",
    "async file:///there/test.ts:1:1",
  );
  assertEquals(
    describeFailure(error, context).split("\n").filter((l) =>
      /^\S+:\d/.test(l)
    ),
    ["/gone/helper.ts:3:4", "test.ts:1:1"],
  );
});

Deno.test("an error from nowhere in the script shows its stack, unless it says it all", () => {
  const bug = new TypeError("x is undefined");
  bug.stack = `TypeError: x is undefined\n    at run (${own}:1:1)`;
  assertStringIncludes(describeFailure(bug, context), `at run (${own}:1:1)`);
  const expected = thrownAt(`run (${own}:1:1)`);
  assertEquals(describeFailure(expected, context), "TestFailure: it failed");
});

Deno.test("causes and the errors of an aggregate are shown", () => {
  const cause = new RangeError("inner");
  const error = new AggregateError([new Error("a"), new Error("b")], "both", {
    cause,
  });
  error.stack = undefined;
  assertEquals(
    describeFailure(error, context),
    "AggregateError: both\n  Error: a\n  Error: b\ncaused by RangeError: inner",
  );
});
