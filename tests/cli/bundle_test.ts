import { assert, assertEquals, assertMatch } from "@std/assert";
import { bundled } from "../bundled.ts";
import { temporaryDirectory } from "./vmwright.ts";

const root = new URL("../../", import.meta.url).pathname;

Deno.test("the bundle needs nothing but itself", async (t) => {
  using directory = temporaryDirectory({
    "elsewhere/script.ts": "import { n } from './n.ts'; assertEquals(n, 5);",
    "elsewhere/n.ts": "export const n: number = 5;",
    "elsewhere/typo.ts": "await machine.suceed('true');",
    "elsewhere/use.ts": `import { Driver, Log } from "../dist/mod.js";
      await using driver = await Driver.create({ log: new Log(), outDir: "." });
      console.log(driver.machines.length);`,
    "elsewhere/vmwright.suite.ts":
      `const options: string[] = ["--no-check", "--no-html"];
      export default { tests: { one: { script: "script.ts", options } } };`,
    "elsewhere/suite.ts": `import { runSuite } from "../dist/mod.js";
      const { exitCode, tests } = await runSuite({ names: ["one"] });
      console.log(exitCode, tests.map(({ name, verdict }) => [name, verdict]));`,
  });
  const { path } = directory;
  const deno = async (...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args,
      cwd: `${path}/elsewhere`,
      env: { NO_COLOR: "1", XDG_RUNTIME_DIR: path },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  };
  const cli = ["run", "--no-config", "--no-remote", "-A", "../dist/cli.js"];

  Deno.symlinkSync(await bundled(), `${path}/dist`);
  await t.step("cli.js says its version", async () => {
    const { code, stdout } = await deno(...cli, "--version");
    assertEquals(code, 0);
    assertMatch(stdout, /^vmwright \d+\.\d+\.\d+\n$/);
  });
  await t.step("cli.js runs a script with imports and assertions", async () => {
    const run = await deno(...cli, "eval-file", "--no-html", "script.ts");
    assertEquals(run.code, 0, run.stderr);
  });
  await t.step("cli.js knows the types that lie beside it", async () => {
    const run = await deno(...cli, "check", "typo.ts", "--start-scripts", "x");
    assertEquals(run.code, 1);
    assertMatch(run.stderr, /^typo\.ts:1:15: Property 'suceed' does not exist/);
  });
  await t.step("the declarations export what mod.ts exports", async () => {
    const names = async (path: string) => {
      const { stdout } = await deno("doc", "--json", path);
      const { nodes } = JSON.parse(stdout);
      type Symbols = {
        name: string;
        declarations: { declarationKind: string }[];
      }[];
      const [{ symbols }] = Object.values<{ symbols: Symbols }>(nodes);
      return symbols.filter(({ declarations }) =>
        declarations.some((one) => one.declarationKind === "export")
      ).map(({ name }) => name).sort();
    };
    const all = await names(`${root}mod.ts`);
    assert(all.includes("Driver"));
    assertEquals(await names("../dist/mod.d.ts"), all);
  });
  await t.step("mod.js makes drivers", async () => {
    const run = await deno("run", "--no-config", "--no-check", "-A", "use.ts");
    assertEquals([run.code, run.stdout], [0, "0\n"], run.stderr);
  });
  await t.step("cli.js and mod.js start themselves for a suite", async () => {
    const run = await deno(...cli, "test");
    assertEquals(run.code, 0, run.stderr);
    const own = ["run", "--no-config", "--no-check", "-A", "suite.ts"];
    const { code, stdout, stderr } = await deno(...own);
    assertEquals([code, stdout], [0, '0 [ [ "one", "passed" ] ]\n'], stderr);
  });
});
