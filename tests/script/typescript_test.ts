import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { bindGlobals } from "../../src/script/globals.ts";
import { describeFailure } from "../../src/script/failure.ts";
import { Script } from "../../src/script/script.ts";
import { type RunOptions, runTypeScript } from "../../src/script/typescript.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";

/** What a script has said, through the one name that all of them see. */
async function said(
  files: Record<string, string>,
  path = "test.ts",
  options?: RunOptions,
): Promise<unknown[]> {
  using directory = temporaryDirectory(files);
  const all: unknown[] = [];
  const context = {
    say: (...what: unknown[]) => all.push(...what),
    machine: "the machine",
    log: "the log",
  };
  using _bound = bindGlobals(context);
  const script = new Script({
    path: `${directory.path}/${path}`,
    language: "typescript",
  });
  const before = [...Deno.readDirSync(directory.path)].length;
  await runTypeScript(script, context, options);
  assertEquals([...Deno.readDirSync(directory.path)].length, before);
  return all;
}

Deno.test("the top level sees the names, with await and types", async () => {
  const text = "const n: number = await Promise.resolve(1);\nsay(n, machine);";
  assertEquals(await said({ "test.ts": text }), [1, "the machine"]);
});

Deno.test("a script's declarations shadow names, and do not collide", async () => {
  const text = `
    const log = "mine";
    function machine() { return "also mine"; }
    say(log, machine());`;
  assertEquals(await said({ "test.ts": text }), ["mine", "also mine"]);
});

const imports = {
  "lib/helper.ts": "export const who: string = machine;",
  "data.json": `{"n": 5}`,
  "test.ts": `
    import { who } from "./lib/helper.ts";
    import data from "./data.json" with { type: "json" };
    const { basename } = await import("node:path");
    say(who, data.n, basename(import.meta.url), import.meta.dirname === undefined);`,
};

Deno.test("a script has imports of its own, and the modules see the names too", async () => {
  assertEquals(await said(imports), ["the machine", 5, "test.ts", false]);
});

Deno.test("a runtime that reads only JavaScript gets that", async () => {
  const files = {
    ...imports,
    "lib/helper.ts": `import { Unit } from "./unit.mts";
      export const who: string = machine + Unit.second;`,
    "lib/unit.mts": "export enum Unit { second = 1 }",
  };
  assertEquals(
    await said(files, "test.ts", { transpile: true }),
    ["the machine1", 5, "test.ts", false],
  );
});

Deno.test("a file without an extension is run where it is, as TypeScript", async () => {
  assertEquals(
    await said({ ...imports, "plain": imports["test.ts"] }, "plain"),
    ["the machine", 5, "plain", false],
  );
});

Deno.test("any path will do", async () => {
  const name = "a b%20#?\\é'\"/te st#1.ts";
  const text = `import { x } from "./x.ts"; say(x);`;
  assertEquals(
    await said({
      [name]: text,
      [name.replace("te st#1", "x")]: "export const x = 3;",
    }, name),
    [3],
  );
});

Deno.test("a function that is exported by default receives everything", async () => {
  const text = `say("top");
    export default async function ({ say, machine }: { say: any; machine: any }) {
      await 0;
      say(machine);
    }`;
  assertEquals(await said({ "test.ts": text }), ["top", "the machine"]);
});

Deno.test("a default export that is not a function is ignored", async () => {
  assertEquals(await said({ "test.ts": "export default { a: 1 };" }), []);
});

Deno.test("the second run reads the script and its imports again", async () => {
  using directory = temporaryDirectory({
    "test.ts": `import { n } from "./n.ts"; say(n);`,
    "n.ts": "export const n = 1;",
  });
  const all: unknown[] = [];
  using _bound = bindGlobals({ say: (what: unknown) => all.push(what) });
  const path = `${directory.path}/test.ts`;
  const script = new Script({ path, language: "typescript" });
  const files: string[] = [];
  const onFile = (file: string) => files.push(file);
  await runTypeScript(script, {}, { onFile });
  Deno.writeTextFileSync(`${directory.path}/n.ts`, "export const n = 2;");
  await runTypeScript(script, {}, { onFile });
  assertEquals(all, [1, 2]);
  const n = `${directory.path}/n.ts`;
  assertEquals(files, [path, n, path, n]);
});

Deno.test("a corrected script runs, whatever it threw before", async () => {
  using directory = temporaryDirectory({
    "test.ts": `throw new Error("old");`,
  });
  const path = `${directory.path}/test.ts`;
  const script = new Script({ path, language: "typescript" });
  await assertRejects(() => runTypeScript(script, {}), Error, "old");
  Deno.writeTextFileSync(path, "export default ({ say }: any) => say('new');");
  const all: unknown[] = [];
  await runTypeScript(script, { say: (what: unknown) => all.push(what) });
  assertEquals(all, ["new"]);
});

const broken: [string, Record<string, string>, string][] = [
  [
    "an exception",
    {
      "test.ts":
        "type A = string;\n\nfunction f(a: A): void {\n  throw new Error(a);\n}\nf('x');\n",
    },
    "test.ts:4:9",
  ],
  [
    "a mistake in the syntax",
    { "test.ts": "1;\n  const = 5;\n" },
    "test.ts:2:9",
  ],
  [
    "a mistake in an imported file",
    { "test.ts": `import "./b.ts";`, "b.ts": "\n\nlet 5;" },
    "b.ts:3:5",
  ],
  ["a missing import", { "test.ts": `1;\nimport "./gone.ts";` }, "test.ts:2:8"],
  [
    "the default export's error",
    { "test.ts": "export default () => {\n  null!.x;\n};\n" },
    "test.ts:2:",
  ],
];
for (const [name, files, place] of broken) {
  Deno.test(`the place of ${name} is shown`, async () => {
    using directory = temporaryDirectory(files);
    const path = `${directory.path}/test.ts`;
    const script = new Script({ path, language: "typescript" });
    const error = await assertRejects(() => runTypeScript(script, {}));
    const text = describeFailure(error, {
      scriptUrl: script.url,
      scriptName: path,
    });
    assertStringIncludes(text, `${directory.path}/${place}`);
    assertEquals(text.includes(`\n> ${place.split(":")[1]} | `), true, text);
  });
}
