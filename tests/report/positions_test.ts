import { assertEquals, assertLess, assertRejects } from "@std/assert";
import { TestFailure } from "../../src/errors.ts";
import {
  addCaller,
  authorPositions,
  excerpt,
  firstAuthorPlace,
  framesOf,
} from "../../src/report/positions.ts";

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

const own = new URL("../../src/machine/machine.ts", import.meta.url).href;

Deno.test("positions in the driver, in libraries and in the runtime are not the author's", () => {
  const error = new Error("it failed");
  error.stack = [
    "Error: it failed",
    `BaseMachine.succeed (${own}:5:6)`,
    "ext:core/01_core.js:1:2",
    "assertEquals (file:///home/me/.cache/deno/npm/registry.example/deno-std/1.4.0/assert/equals.js:60:9)",
    "assertEquals (file:///there/node_modules/@std/assert/equals.js:60:9)",
    "async helper (file:///there/help%20er.ts:7:8)",
    "async file:///there/test.ts?run=2:9:10",
    "f (file:///there/my%20own/te st (1).ts:11:12)",
  ].join("\n    at ");
  assertEquals(authorPositions(error), [
    { url: "file:///there/help%20er.ts", line: 7, column: 8 },
    { url: "file:///there/test.ts", line: 9, column: 10 },
    { url: "file:///there/my%20own/te%20st%20(1).ts", line: 11, column: 12 },
  ]);
});

/** An error that quotes what a guest has printed: something like a frame. */
function quoting(said: string): Error {
  const error = new TestFailure(
    `command failed; its output ended with:\n${said}`,
  );
  error.stack = `${error}\n    at async file:///there/test.ts:9:10`;
  return error;
}

Deno.test("a message that looks like a stack leads to no file", () => {
  const error = quoting("    at file:///etc/passwd:1:2\n\x1b[1m    at x");
  assertEquals(authorPositions(error), [
    { url: "file:///there/test.ts", line: 9, column: 10 },
  ]);
  assertEquals(framesOf(error), ["    at async file:///there/test.ts:9:10"]);
});

Deno.test("a message that was changed since hides no frame", () => {
  const error = quoting("");
  error.message = "there";
  assertEquals(authorPositions(error).length, 1);
});

for (
  const [what, line, column] of [
    ["const x = ;", 2, 11],
    ["import './gone.ts';", 2, 8],
  ] as const
) {
  Deno.test(`a mistake that the module loader finds has its place: ${what}`, async () => {
    const path = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(path, `\n${what}\n`);
    const error = await assertRejects(() => import(path), TypeError);
    const url = `file://${path}`;
    assertEquals(authorPositions(error)[0], { url, line, column });
    await Deno.remove(path);
  });
}

Deno.test("an error that a library's user does not catch shows no file that its message names", () => {
  const error = quoting(`    at ${own}:1:1\n    at file:///etc/passwd:1:2`);
  error.stack = `${error}\n    at succeed (${own}:5:6)\n` +
    "    at async file:///there/test.ts:9:10";
  addCaller(error, true);
  assertEquals(
    error.stack.slice(`${error}`.length),
    "\n    at async file:///there/test.ts:9:10",
  );
});

Deno.test("a long line of a message takes no time", () => {
  const error = quoting(`    at ${"file:///a:1 ".repeat(100_000)}`);
  const began = performance.now();
  assertEquals(authorPositions(error).length, 1);
  assertLess(performance.now() - began, 10_000);
});

Deno.test("the first position of a stack that nobody has read is the same", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/a script (1).ts`;
  await Deno.writeTextFile(
    path,
    `interface Nothing {
  of: string;
}
// Types that are taken away move what stands after them.
export const make = async (make: () => Error, no: Nothing): Promise<Error> => {
  await no;
  return   make();
};`,
  );
  try {
    const { make } = await import(`file://${encodeURI(path)}?run=3`);
    const errors: Error[] = [];
    for (let i = 0; i < 2; i++) {
      errors.push(await make(() => new Error("made here"), {}));
    }
    const position = {
      url: `file://${encodeURI(path)}`,
      line: 7,
      column: 12,
    };
    const read = authorPositions(errors[0]);
    assertEquals(read[0].url, import.meta.url);
    assertEquals(read.find(({ url }) => url === position.url), position);
    const { prepareStackTrace } = Error;
    assertEquals(firstAuthorPlace(errors[1])?.position, read[0]);
    assertEquals(Error.prepareStackTrace, prepareStackTrace);
    // One that was read has words only.
    assertEquals(firstAuthorPlace(errors[0])?.position, read[0]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
