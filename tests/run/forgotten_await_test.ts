import { assertEquals, assertStringIncludes } from "@std/assert";
import { temporaryDirectory, vmwright } from "../cli/vmwright.ts";

/** Runs a script with a machine that never comes up. */
async function run(script: string) {
  using directory = temporaryDirectory({
    "run-web-vm": "#!/bin/sh\nexec sleep 1000\n",
    "out/x": "",
    "test.ts": script,
  });
  const { code, stderr } = await vmwright([
    ...["--no-check", "--start-scripts", "./run-web-vm"],
    ...["-o", "out", "--no-html", "--", "test.ts"],
  ], { cwd: directory.path, env: { XDG_RUNTIME_DIR: directory.path } });
  return { code, stderr };
}

Deno.test("a script that ends before a command that it began fails, and is shown where", async () => {
  const { code, stderr } = await run(`await 0;
web.succeed("false");
await web.start;
`);
  assertEquals(code, 1, stderr);
  assertStringIncludes(
    stderr,
    `!!! test.ts:2:5
!!!   1 | await 0;
!!! > 2 | web.succeed("false");
!!!     |     ^
!!!   3 | await web.start;
!!! TestFailure: an await seems to be missing: at the script's end this was under way: web: must succeed: false
`,
  );
});

Deno.test("a script that ends before one of its subtests fails", async () => {
  const { code, stderr } = await run(`
export default async () => {
  await subtest("waited for", () => {});
  subtest("forgotten", () => web.waitForUnit("multi-user.target"));
}`);
  assertEquals(code, 1, stderr);
  assertStringIncludes(stderr, "this was under way: subtest forgotten\n");
});

const fine: [string, string][] = [
  ["machines that boot", "startAll(); web.connect();"],
  [
    "the losers of a race",
    `await Promise.race([web.succeed("true"), web.waitForFile("/x"), 1]);`,
  ],
  [
    "a wait whose failure is looked at",
    `web.waitForOpenPort(80).catch(() => {});`,
  ],
  [
    "the check of a condition",
    `pollingCondition(() => web.succeed("true"), { interval: 0.01 }).enter();
     const other = createMachine("run-other-vm");
     other.succeed("true").catch(() => {});
     await new Promise((resolve) => setTimeout(resolve, 50));`,
  ],
];
for (const [name, script] of fine) {
  Deno.test(`a script may end before ${name}`, async () => {
    const { code, stderr } = await run(script);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, "test passed");
  });
}
