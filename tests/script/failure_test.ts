import {
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { TestFailure } from "../../src/errors.ts";
import { describeFailure, placeOfFailure } from "../../src/script/failure.ts";
import { noteTraceback } from "../../src/script/traceback.ts";

function thrownAt(...frames: string[]): Error {
  const error = new TestFailure("it failed");
  error.stack = ["TestFailure: it failed", ...frames].join("\n    at ");
  return error;
}

const own = new URL("../../src/machine/machine.ts", import.meta.url).href;

const context = {
  scriptUrl: "file:///there/test.ts",
  scriptName: "test.ts",
  scriptText: "await machine.start();\nawait machine.succeed('false');\n",
};

Deno.test("a failure shows its place, its error, the steps, and where to look", () => {
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

Deno.test("a message that looks like a traceback of Python's leads nowhere", () => {
  const said = '  File "test.ts", line 1, in x\n    anything\n';
  const error = new TestFailure(`its output ended with:\n${said}`);
  noteTraceback(
    error,
    'Traceback (most recent call last):\n  File "test.ts", line 2, in <module>\n' +
      `    machine.succeed('false')\nAssertionError: ${error.message}`,
  );
  const { positions } = placeOfFailure(error, context);
  assertEquals(positions.map(({ line }) => line), [2]);
});

Deno.test("a failed assertion shows the difference without empty lines around it", () => {
  const error = assertThrows(() => assertEquals("a\n\nb\n", "a\n\nc\n"), Error);
  error.stack = `${error}\n    at file:///there/test.ts:2:7`;
  const text = describeFailure(error, context);
  assertEquals(text.split("\n").filter((line) => line === ""), []);
  assertMatch(text, /^- {3}b\\n\n\+ {3}c\\n$/m);
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

Deno.test("an error without a place in the script shows its stack, unless its message is complete", () => {
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
