import { assertEquals } from "@std/assert";
import { checkTypes, parseDiagnostics } from "../../src/script/check_types.ts";
import { Script } from "../../src/script/script.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";

const names = {
  machines: ["web", "db-1"].map((name) => ({ name, backend: "qemu" as const })),
  vlans: [1],
};

async function check(
  files: Record<string, string>,
  { path = "test.ts", seen = names } = {},
) {
  using directory = temporaryDirectory({ ...files, "types/x": "" });
  const script = new Script({
    path: `${directory.path}/${path}`,
    language: "typescript",
  });
  const diagnostics = await checkTypes(script, seen);
  return diagnostics.map(({ place, message }) =>
    `${place.replace(`${directory.path}/`, "")} ${message}`
  );
}

Deno.test("a correct script has no errors", async () => {
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

const mistakes: [string, string, string[]][] = [
  ["a misspelt method", "startAll();\nawait web.succed('true');", [
    "2:11 Property 'succed' does not exist on type 'Machine<QemuMachine>'. Did you mean 'succeed'?",
  ]],
  ["an unknown machine", "await wep.succeed('x');", [
    "1:7 Cannot find name 'wep'.",
  ]],
  ["a wrong argument", "\nawait web.sleep('1');", [
    "2:17 Argument of type 'string' is not assignable to parameter of type 'number'.",
  ]],
  [
    "a machine that the script makes, but none that it tells by its class",
    `const one: unknown = web;
    const found: Machine[] = one instanceof Machine ? [one] : [];
    if (one instanceof BaseMachine) found.length + one.name.length;
    new Machine();`,
    ["4:5 Cannot create an instance of an abstract class."],
  ],
];
// One check of all of them, as each takes some seconds.
Deno.test("mistakes are found with their lines and columns", async (t) => {
  const parts = ["import { h } from './lib/h.ts';\nh;"];
  const all = await check({
    "lib/h.ts": "export const h = web.startt;",
    "test.ts": [...parts, ...mistakes.map(([, part]) => part)].join("\n"),
  });
  await t.step("in an import", () => {
    assertEquals(
      all.shift(),
      "lib/h.ts:1:22 Property 'startt' does not exist on type 'Machine<QemuMachine>'. Did you mean 'start'?",
    );
  });
  const found = all.map((one) => {
    const [, line, rest] = one.match(/^test\.ts:(\d+)(:.*)$/s)!;
    return { line: Number(line), rest };
  });
  let before = parts[0].split("\n").length;
  for (const [name, part, expected] of mistakes) {
    const first = before;
    before += part.split("\n").length;
    await t.step(name, () => {
      const own = found.filter(({ line }) => line > first && line <= before);
      assertEquals(
        own.map(({ line, rest }) => `${line - first}${rest}`),
        expected,
      );
    });
  }
  assertEquals(all.length, mistakes.length);
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
  // Other options need a cold check, and so would the check of the same names
  // that comes next.
  const seen = { ...names, vlans: [2] };
  assertEquals(await check(files, { seen }), [
    "test.ts:3:1 'first' is possibly 'undefined'.",
    "test.ts:4:3 Property 'nope' does not exist on type 'number'.",
  ]);
});

Deno.test("a file without an extension is checked as well, with imports of its own", async () => {
  const files = {
    "lib/n.ts": "export const n: number = 1;",
    "script":
      "import { n } from './lib/n.ts';\nassertEquals(n, 1);\nn.nope;\nweb.nope;",
  };
  // There, no project has options of its own, which would need a cold check.
  const before = Deno.cwd();
  Deno.chdir("/");
  try {
    assertEquals(await check(files, { path: "script" }), [
      "script:3:3 Property 'nope' does not exist on type 'number'.",
      "script:4:5 Property 'nope' does not exist on type 'Machine<QemuMachine>'.",
    ]);
  } finally {
    Deno.chdir(before);
  }
});

Deno.test("JavaScript is checked if it says so", async () => {
  const files = {
    "plain.js": "web.nope",
    "test.js": "// @ts-check\nimport './plain.js';\nweb.nope;\nx;",
  };
  assertEquals(await check(files, { path: "test.js" }), [
    "test.js:3:5 Property 'nope' does not exist on type 'Machine<QemuMachine>'.",
    "test.js:4:1 Cannot find name 'x'.",
  ]);
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
