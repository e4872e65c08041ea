/** What the command line prints of scripts that fail; no machine is started. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { temporaryDirectory, vmwright } from "../cli/vmwright.ts";

/** The explanation of a script's failure, without its marks. */
async function explained(
  name: string,
  script: string,
  args: string[] = [],
): Promise<string> {
  using directory = temporaryDirectory({
    "run-web-vm": "#!/bin/sh\nexec sleep 600\n",
    [name]: script,
  });
  const { stderr } = await vmwright(
    [name, "--start-scripts", "./run-web-vm", "--no-html", "--no-check"]
      .concat(args),
    { cwd: directory.path, env: { XDG_RUNTIME_DIR: directory.path } },
  );
  return stderr.split("\n").filter((line) => line.startsWith("!!! ")).map(
    (line) => line.slice(4),
  ).join("\n");
}

Deno.test("a failed assertion of Python's shows its line among those around it", async () => {
  const text = await explained(
    "test.py",
    "x = 1\nif x:\n    assert x == 2, 'sums'\n",
  );
  assertStringIncludes(
    text,
    `test.py:3:12
  1 | x = 1
  2 | if x:
> 3 |     assert x == 2, 'sums'
    |            ^
AssertionError: sums
`,
  );
});

Deno.test("a script whose name has a space shows its line, too", async () => {
  assertStringIncludes(
    await explained("my test (1).ts", "\nmachine.nope();\n"),
    "my test (1).ts:2:9\n  1 |\n> 2 | machine.nope();\n    |         ^\n",
  );
});

Deno.test("an error of Python's that came through several lines shows all, the innermost first", async () => {
  const text = await explained("test.py", "def f():\n    1 / 0\n\nf()\n");
  assertMatch(text, /^test\.py:2:5\n/);
  assertStringIncludes(
    text,
    'Traceback (most recent call last):\n  File "test.py", line 4',
  );
});

Deno.test("an error of the driver keeps its name and its line in a script", async () => {
  const text = await explained(
    "test.ts",
    "await driver.pollingCondition(() => false).wait({ timeout: 0.1 });\n",
  );
  assertMatch(text, /^test\.ts:1:\d+\n/);
  assertMatch(text, /^TestFailure: action timed out/m);
});

Deno.test("a failure of one of several calls shows that call, also without a report", async () => {
  const text = await explained(
    "test.ts",
    `await Promise.all([
  driver.pollingCondition(() => true).wait(),
  driver.pollingCondition(() => false).wait({ timeout: 0.1 }),
]);
`,
  );
  assertMatch(text, /^test\.ts:3:\d+\n/);
});

Deno.test("a timeout shows the line of Python's that blocks", async () => {
  const text = await explained(
    "test.py",
    "import time\nwith subtest('slow'):\n    time.sleep(1000)\n",
    ["--global-timeout", "10"],
  );
  assertMatch(text, /^test\.py:3:\d+\n/);
  assertMatch(text, /^> 3 \| {5}time\.sleep\(1000\)$/m);
  assertMatch(text, /^GlobalTimeout: /m);
  assertMatch(text, /^while: subtest slow \(since \d/m);
});

Deno.test("a timeout outside of any step shows where the latest step began", async () => {
  const text = await explained(
    "test.ts",
    "await log.nested('a', () => {});\nawait new Promise((r) => setTimeout(r, 1e6));\n",
    ["--global-timeout", "5"],
  );
  assertMatch(text, /^test\.ts:1:\d+ \(where the latest step began\)\n/);
  assertMatch(text, /^GlobalTimeout: /m);
});

Deno.test("--on-failure and what it expects", async () => {
  using directory = temporaryDirectory({ "test.ts": "", "run-a-vm": "" });
  const { code, stderr } = await vmwright(
    ["test.ts", "--start-scripts", "./run-a-vm", "--on-failure", "prompt"],
    { cwd: directory.path },
  );
  assertEquals([code, stderr], [
    2,
    'vmwright: --on-failure expects shell, got "prompt"\n',
  ]);
});
