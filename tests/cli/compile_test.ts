import { assertEquals, assertMatch } from "@std/assert";
import { temporaryDirectory } from "./vmwright.ts";

const root = new URL("../../", import.meta.url).pathname;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function run(program: string, args: string[], cwd: string) {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    env: { NO_COLOR: "1", XDG_RUNTIME_DIR: cwd },
  }).output();
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

// It takes Deno's runtime without tools, `denort`: DENORT_BIN names one.
Deno.test("the compiled program needs nothing but itself", async (t) => {
  using directory = temporaryDirectory({
    "script.ts": "import { n } from './n.ts'; assertEquals(n, 5 as number);",
    "n.ts": "enum N { five = 5 }\nexport const n: number = N.five;",
    "vmwright.suite.ts": `import type { Suite } from "./gone.ts";
      export default { tests: { one: { script: "script.ts" } } } as Suite;`,
  });
  const { path } = directory;
  const program = `${path}/vmwright`;
  const compiled = await run(
    Deno.execPath(),
    ["compile", "-A", "--output", program, "cli.ts"],
    root,
  );
  if (compiled.code !== 0) {
    // All modules were found by then.
    assertMatch(compiled.stderr, /^Compile [^]*^Download \S*\/denort-/m);
    console.log("no runtime to compile with: set DENORT_BIN to a denort");
    return;
  }
  await t.step("it says its version", async () => {
    const { code, stdout } = await run(program, ["--version"], path);
    assertEquals(code, 0);
    assertMatch(stdout, /^vmwright \d+\.\d+\.\d+\n$/);
  });
  await t.step("it runs a script with imports and assertions", async () => {
    const args = ["eval-file", "--no-html", "script.ts"];
    const { code, stderr } = await run(program, args, path);
    assertEquals(code, 0, stderr);
  });
  await t.step("it names no file that only itself can read", async () => {
    const without = await run(program, ["types"], path);
    assertEquals([without.code, without.stdout], [2, ""]);
    Deno.writeTextFileSync(`${path}/mod.d.ts`, "");
    const { code, stdout } = await run(program, ["types"], path);
    assertEquals(code, 0);
    assertMatch(stdout, /from "file:\/\/\S*\/mod\.d\.ts";/);
  });
  await t.step("it names the program that checks types", async () => {
    const { code, stderr } = await run(program, ["check", "script.ts"], path);
    assertEquals(code, 2);
    assertMatch(stderr, /^vmwright: types are checked by deno, /);
  });
  await t.step("it starts itself for the tests of a suite", async () => {
    const { code, stderr } = await run(program, ["test"], path);
    assertEquals(code, 0, stderr);
  });
});
