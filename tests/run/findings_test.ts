import { assertEquals, assertMatch } from "@std/assert";
import { bundled } from "../bundled.ts";
import { runtimeDirectory } from "../cli/runtime_directory.ts";
import { temporaryDirectory, vmwright } from "../cli/vmwright.ts";

/** The output of a run of this script. */
async function failed(script: string): Promise<string> {
  using directory = temporaryDirectory({
    "run-web-vm": "#!/bin/sh\nexec sleep 600\n",
    "test.ts": script,
  });
  const { code, stderr } = await vmwright(
    ["test.ts", "--start-scripts", "./run-web-vm", "--no-html"],
    {
      cwd: directory.path,
      env: { XDG_RUNTIME_DIR: runtimeDirectory },
      // A failure does not wait long for the check, which takes less time so.
      program: `${await bundled()}/cli.js`,
    },
  );
  assertEquals(code, 1, stderr);
  return stderr;
}

Deno.test("a failed assertion on a promise shows what the type checker says of its line", async () => {
  const stderr = await failed(
    `log.info("first");\nassertEquals(web.succeed("uname"), "Linux\\n");\n`,
  );
  assertMatch(stderr, /^!!! test\.ts:2:1\n/m);
  assertMatch(stderr, /^!!! AssertionError: /m);
  assertEquals(stderr.includes("after the end"), false, stderr);
  assertMatch(
    stderr,
    /^!!! the type checker says: test\.ts:2:\d+: .*not assignable.*Promise/m,
  );
});

Deno.test("findings about other lines do not belong to a failure", async () => {
  const stderr = await failed(
    `assertEquals(1, 2);\nexport const n: number = "x";\n`,
  );
  assertMatch(stderr, /^!!! AssertionError: /m);
  assertEquals(stderr.includes("the type checker says"), false, stderr);
});
