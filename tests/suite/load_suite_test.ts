import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import committed from "../../vmwright.suite.schema.json" with { type: "json" };
import { UsageError } from "../../src/errors.ts";
import { checkSuite, loadSuite } from "../../src/suite/load_suite.ts";
import { plannedTests } from "../../src/suite/planned_test.ts";
import { suiteSchema } from "../../src/suite/schema.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";

Deno.test("the schema for editors is what the program checks", () => {
  assertEquals(committed, suiteSchema());
});

const wrong: [string, unknown, string][] = [
  ["no object", [], "s: $ must be an object, got a list"],
  ["no tests", {}, "s: $.tests must be an object of tests, got nothing"],
  ["an unknown key", { test: {} }, "s: $.test is unknown; did you mean tests?"],
  [
    "an unknown field of a test",
    { tests: { web: { retrys: 1 } } },
    "s: $.tests.web.retrys is unknown; did you mean retries?",
  ],
  [
    "a name that every object has",
    { tests: { web: { constructor: 1 } } },
    "s: $.tests.web.constructor is unknown",
  ],
  [
    "a value of another type",
    { tests: { "a b": { vlans: ["1"] } } },
    `s: $.tests["a b"].vlans must be a list of whole numbers from 0 up, got a list`,
  ],
  [
    "a wrong default",
    { defaults: { timeout: 0 }, tests: {} },
    "s: $.defaults.timeout must be a number of seconds above 0 and up to 2147483, got 0",
  ],
  [
    "a timeout that no timer can have",
    { tests: { a: { timeout: 1e9 } } },
    "s: $.tests.a.timeout must be a number of seconds above 0 and up to 2147483, got 1000000000",
  ],
  [
    "an amount of memory",
    { tests: { a: { memory: "much" } } },
    `s: $.tests.a.memory must be a number of MiB above 0, or a text such as "4G", got "much"`,
  ],
  [
    "an empty list in a matrix",
    { tests: { a: { matrix: { kernel: [] } } } },
    "s: $.tests.a.matrix must be an object of names of letters, digits, - and _, each with a list of values, got an object",
  ],
  [
    "a name that no directory can have",
    { tests: { ["x".repeat(151)]: {} } },
    `s: $.tests.${"x".repeat(151)} must have a name of 1 to 150 bytes`,
  ],
];

for (const [what, value, message] of wrong) {
  Deno.test(`a suite with ${what} is refused with its place`, () => {
    assertEquals(
      assertThrows(() => checkSuite(value, "s"), UsageError).message,
      message,
    );
  });
}

Deno.test("a suite in TypeScript is its file's default export", async () => {
  using folder = temporaryDirectory({
    "my #1 suite%.ts": `const tests: Record<string, { script: string }> = {};
      tests.web = { script: "web.ts" };
      export default { name: "mine", tests };`,
    "none.ts": "export const suite = {};",
    "broken.ts": `throw new Error("no");`,
  });
  const { suite, name, folder: found } = await loadSuite([
    `${folder.path}/my #1 suite%.ts`,
  ]);
  assertEquals(suite.tests, { web: { script: "web.ts" } });
  assertEquals([name, found], ["mine", folder.path]);
  for (
    const [file, message] of [
      ["none.ts", "has no default export, which is the suite"],
      ["broken.ts", "does not give a suite: Error: no"],
    ]
  ) {
    const path = `${folder.path}/${file}`;
    const error = await assertRejects(() => loadSuite([path]), UsageError);
    assertEquals(error.message, `${path} ${message}`);
  }
});

Deno.test("configuration files of the NixOS test framework are tests", async () => {
  const config = JSON.stringify({ vms: {}, vlans: [], test_script: "t" });
  using folder = temporaryDirectory({
    "web.json": config,
    "other/web.json": config,
    "0123456789abcdfghijklmnpqrsvwxyz-db.json": config,
    "suite.json": `{ "tests": {} }`,
  });
  const at = (name: string) => `${folder.path}/${name}`;
  const paths = [
    "web.json",
    "other/web.json",
    "0123456789abcdfghijklmnpqrsvwxyz-db.json",
  ].map(at);
  const { suite } = await loadSuite(paths);
  assertEquals(suite.tests, {
    web: { config: paths[0] },
    "web-2": { config: paths[1] },
    db: { config: paths[2] },
  });
  const error = await assertRejects(
    () => loadSuite([at("web.json"), at("suite.json")]),
    UsageError,
  );
  assertEquals(
    error.message,
    `Expected one suite, or configuration files alone, got ${at("web.json")} ${
      at("suite.json")
    }, of which ${at("suite.json")} is no configuration file`,
  );
});

for (
  const [document, names] of [
    ["README.md", ["web", "db"]],
    ["src/suite/README.md", ["web", "db[kernel=6.1]", "db[kernel=6.12]"]],
  ] as const
) {
  Deno.test(`the suite that ${document} shows is valid`, () => {
    const text = Deno.readTextFileSync(
      new URL(`../../${document}`, import.meta.url),
    );
    const [block, ...others] = [...text.matchAll(/^```json\n([^]*?)^```$/gm)]
      .map(([, text]) => JSON.parse(text)).filter(({ tests }) => tests);
    assertEquals(others, []);
    const suite = checkSuite(block, document);
    const planned = plannedTests({ suite, folder: "/", name: "", files: [] });
    assertEquals(planned.map(({ name }) => name), [...names]);
  });
}
