import { assertEquals, assertMatch } from "@std/assert";
import { temporaryDirectory } from "../cli/vmwright.ts";

const mod = new URL("../../mod.ts", import.meta.url).href;

/** What Deno prints of a program that catches nothing. */
async function printed(line: string): Promise<string> {
  using directory = temporaryDirectory({
    "main.ts": `import { Driver, Log } from ${JSON.stringify(mod)};
await using driver = await Driver.create({ log: new Log([]), outDir: "." });
async function test() {
  ${line}
}
await test();
`,
  });
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "-A", "main.ts"],
    cwd: directory.path,
    env: { NO_COLOR: "1", XDG_RUNTIME_DIR: directory.path },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  return new TextDecoder().decode(stderr);
}

for (
  const line of [
    "await driver.pollingCondition(() => false).wait({ timeout: 0.1 });",
    "await driver.retry(() => false, { timeout: 0.1 });",
    'await driver.subtest("x", () => driver.retry(() => false, 0.1));',
  ]
) {
  Deno.test(`an uncaught error is shown with the program's own line: ${line}`, async () => {
    const text = await printed(line);
    assertMatch(text, /^error: Uncaught .*TestFailure: action timed out/);
    assertEquals(text.split("\n")[1], `  ${line}`);
    assertMatch(text.split("\n")[2], /^ +\^$/);
    assertMatch(text, /^ {4}at .*test \(file:.*main\.ts:4:\d+\)$/m);
    assertEquals(/src\/(driver|report)\//.test(text), false, text);
  });
}
