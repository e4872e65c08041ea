import { assertEquals } from "@std/assert";
import { findApi } from "../../src/script/check_types.ts";
import { declarations } from "../../src/script/declarations.ts";
import { runtimeDirectory } from "./runtime_directory.ts";
import { temporaryDirectory, vmwright } from "./vmwright.ts";

/** Checks a script for one machine. */
async function check(files: Record<string, string>, ...flags: string[]) {
  using directory = temporaryDirectory({
    "run-web-vm": "#!/bin/sh\ntouch started",
    ...files,
  });
  const run = await vmwright(
    ["check", "test.ts", ...flags, "--start-scripts", "./run-web-vm"],
    { cwd: directory.path, env: { XDG_RUNTIME_DIR: runtimeDirectory } },
  );
  // Nothing was started, and nothing stays behind.
  assertEquals([...Deno.readDirSync(directory.path)].length, 2);
  assertEquals([...Deno.readDirSync(runtimeDirectory)].length, 0);
  return { ...run, stderr: run.stderr.replaceAll(directory.path, "DIR") };
}

Deno.test("vmwright check reports and exits with 1, without starting anything", async () => {
  assertEquals(await check({ "test.ts": "await machine.suceed('true');" }), {
    code: 1,
    stdout: "",
    stderr:
      `test.ts:1:15: Property 'suceed' does not exist on type 'Machine<QemuMachine>'. Did you mean 'succeed'?
await machine.suceed('true');
              ~~~~~~
vmwright: the script has 1 type error
`,
  });
});

Deno.test("a missing import is found where it is", async () => {
  assertEquals(await check({ "test.ts": `1;\nimport "./gone.ts";` }), {
    code: 1,
    stdout: "",
    stderr: `test.ts:2:8: Cannot find module 'file://DIR/gone.ts'.
vmwright: the script has 1 error
`,
  });
});

Deno.test("vmwright check shows a missing await, which --no-lint leaves out", async () => {
  const files = {
    "test.ts": "await machine.start();\n  machine.succeed('true');\n",
  };
  assertEquals(await check(files), {
    code: 1,
    stdout: "",
    stderr:
      `test.ts:2:3: An await is missing: nothing waits for this promise, expected \`await\` before it, or \`void\` where it may go on by itself
  machine.succeed('true');
  ~~~~~~~~~~~~~~~~~~~~~~~~
vmwright: the script misses 1 await; --no-lint leaves them out of the check
`,
  });
  assertEquals(await check(files, "--no-lint"), {
    code: 0,
    stdout: "",
    stderr: "",
  });
});

Deno.test("vmwright types prints the declarations that a check uses", async () => {
  const args = ["--start-scripts", "run-web-vm", "--vlans", "3"];
  const names = {
    machines: [{ name: "web", backend: "qemu" as const }],
    vlans: [3],
  };
  assertEquals(await vmwright(["types", ...args]), {
    code: 0,
    stdout: declarations(names, findApi()!),
    stderr: "",
  });
});
