import { assertEquals } from "@std/assert";
import { checkTypes, parseDiagnostics } from "../../src/script/check_types.ts";
import { Script } from "../../src/script/script.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";

const names = {
  machines: ["web", "db-1"].map((name) => ({ name, backend: "qemu" as const })),
  vlans: [1],
};

async function check(files: Record<string, string>, path = "test.ts") {
  using directory = temporaryDirectory({ ...files, "types/x": "" });
  const script = new Script({
    path: `${directory.path}/${path}`,
    language: "typescript",
  });
  const diagnostics = await checkTypes(script, names);
  return diagnostics.map(({ place, message }) =>
    `${place.replace(`${directory.path}/`, "")} ${message}`
  );
}

Deno.test("a script that uses what there is is right", async () => {
  const text = `
    const log = "shadowed";
    startAll();
    await Promise.all([web.succeed("true"), db_1.wait_for_file("/x", { timeout: 5 })]);
    const [status, output]: [number, string] = await web.execute(\`echo \${log}\`);
    assertEquals(status, 0);
    await subtest("one", async () => assert(vlan1.nr === 1 && output));
    export default (context: Record<string, unknown>) => { context; };`;
  assertEquals(await check({ "test.ts": text }), []);
});

Deno.test("a misspelt method is found with its line and column", async () => {
  assertEquals(
    await check({ "test.ts": "startAll();\nawait web.succed('true');" }),
    ["test.ts:2:11 Property 'succed' does not exist on type 'Machine<QemuMachine>'. Did you mean 'succeed'?"],
  );
});

Deno.test("an unknown machine, a wrong argument and a mistake in an import are found", async () => {
  assertEquals(
    await check({
      "lib/h.ts": "export const h = web.startt;",
      "test.ts":
        "import { h } from './lib/h.ts';\nh;\nawait wep.succeed('x');\nawait web.sleep('1');",
    }),
    [
      "lib/h.ts:1:22 Property 'startt' does not exist on type 'Machine<QemuMachine>'. Did you mean 'start'?",
      "test.ts:3:7 Cannot find name 'wep'.",
      "test.ts:4:17 Argument of type 'string' is not assignable to parameter of type 'number'.",
    ],
  );
});

Deno.test("the script's own deno.json counts, and how strict it is concerns the script alone", async () => {
  const imports = { "#lib": "./lib.ts" };
  const compilerOptions = {
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noPropertyAccessFromIndexSignature: true,
    erasableSyntaxOnly: true,
  };
  const files = {
    "deno.json": JSON.stringify({ imports, compilerOptions }),
    "lib.ts": "export const n: number = 1;",
    "test.ts":
      "import { n } from '#lib';\nconst [first] = machines;\nfirst.name;\nn.nope;",
  };
  assertEquals(await check(files), [
    "test.ts:3:1 'first' is possibly 'undefined'.",
    "test.ts:4:3 Property 'nope' does not exist on type 'number'.",
  ]);
});

Deno.test("a file without an extension is checked as well", async () => {
  assertEquals(await check({ "script": "\nweb.nope;" }, "script"), [
    "script:2:5 Property 'nope' does not exist on type 'Machine<QemuMachine>'.",
  ]);
});

Deno.test("a file without an extension has imports of its own", async () => {
  const files = {
    "lib/n.ts": "export const n: number = 1;",
    "script": "import { n } from './lib/n.ts';\nassertEquals(n, 1);\nn.nope;",
  };
  assertEquals(await check(files, "script"), [
    "script:3:3 Property 'nope' does not exist on type 'number'.",
  ]);
});

Deno.test("JavaScript is checked where it says so", async () => {
  assertEquals(await check({ "test.js": "web.nope" }, "test.js"), []);
  assertEquals(
    await check({ "test.js": "// @ts-check\nweb.nope;\nx;" }, "test.js"),
    [
      "test.js:2:5 Property 'nope' does not exist on type 'Machine<QemuMachine>'.",
      "test.js:3:1 Cannot find name 'x'.",
    ],
  );
});

const unreadable: [string, Record<string, string>, string][] = [
  [
    "a mistake in the syntax",
    { "test.ts": "1;\n  const = 5;\n" },
    "test.ts:2:9 SyntaxError: Unexpected token `=`. Expected yield, an identifier, [ or {",
  ],
  [
    "a mistake in an imported file",
    { "test.ts": `import "./b.ts";`, "b.ts": "\n\nlet 5;" },
    "b.ts:3:5 SyntaxError: Expected ';', '}' or <eof>",
  ],
];
for (const [name, files, expected] of unreadable) {
  Deno.test(`${name} is found where it is`, async () => {
    assertEquals(await check(files), [expected]);
  });
}

Deno.test("a check ends with its signal", async () => {
  using directory = temporaryDirectory({ "test.ts": "web.nope;" });
  const path = `${directory.path}/test.ts`;
  const script = new Script({ path, language: "typescript" });
  const signal = AbortSignal.abort();
  assertEquals(await checkTypes(script, names, { signal }), []);
});

Deno.test("messages of several lines are kept whole", () => {
  const output = `TS2769 [ERROR]: No overload matches this call.
  Overload 1 of 2 gave the following error.
    Argument of type 'number' is not assignable.
f(1);
  ~
    at file:///a.ts:1:3

TS2304 [ERROR]: Cannot find name 'x'.
    at file:///b.ts:2:4

Found 2 errors.

error: Type checking failed.
`;
  assertEquals(parseDiagnostics(output), [
    {
      url: "file:///a.ts",
      place: "1:3",
      message:
        "No overload matches this call.\n  Overload 1 of 2 gave the following error.\n    Argument of type 'number' is not assignable.",
      source: "f(1);\n  ~",
    },
    {
      url: "file:///b.ts",
      place: "2:4",
      message: "Cannot find name 'x'.",
      source: undefined,
    },
  ]);
});
