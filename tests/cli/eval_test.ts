import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { toText } from "@std/streams";
import { harmless } from "../../src/scan/mod.ts";
import { temporaryDirectory, vmwright, vmwrightCommand } from "./vmwright.ts";

/** Runs code that needs no machine, in a directory of its own. */
async function evaluated(code: string, ...args: string[]) {
  using directory = temporaryDirectory({
    "helper.ts": "export const seven: number = 7;",
  });
  return await vmwright(["eval", ...args, "--", code], {
    cwd: directory.path,
  });
}

Deno.test("eval runs TypeScript with top-level await and imports of its own", async () => {
  const { code, stdout, stderr } = await evaluated(`
    import { seven } from "./helper.ts";
    enum Unit { second }
    const n: number = await Promise.resolve(seven);
    console.log(n, Unit.second, typeof Driver.create, typeof UsageError);
    assert(Machine === BaseMachine);
    assertEquals(n, 7);
  `);
  assertEquals([code, stdout], [0, "7 0 function function\n"], stderr);
  assertMatch(stderr, /^test passed in \d+\.\d\d seconds\n$/);
});

Deno.test("eval runs Python with a driver that has no machines yet", async () => {
  const { code, stdout, stderr } = await evaluated(
    'print(machines, create_machine("/x/run-web-vm"))\nassert 1 == 2, "never"',
    "--language",
    "python",
  );
  assertEquals([code, stdout], [1, "[] <QemuMachine 'web'>\n"], stderr);
  assertStringIncludes(stderr, "!!! AssertionError: never");
});

Deno.test("Python's own message about a script's end is harmless", async () => {
  const { code, stderr } = await evaluated(
    `
import threading
text = "\\x1b]0;title\\x07\\x1b[31mred"
def fail():
    raise ValueError(text)
thread = threading.Thread(target=fail, name="other")
thread.start()
thread.join()
raise SystemExit(text)
`,
    "--language",
    "python",
  );
  assertEquals(code, 1);
  assertStringIncludes(stderr, "Exception in thread other:\nTraceback");
  assertStringIncludes(stderr, "\nValueError: red\nred\n");
  assertEquals(stderr, harmless(stderr));
});

Deno.test("eval-file runs a Python script, and ends it with the global timeout", async () => {
  using directory = temporaryDirectory({
    "wait.py": "import time\nprint('up')\ntime.sleep(600)\n",
  });
  const { code, stdout, stderr } = await vmwright(
    ["eval-file", "wait.py", "--global-timeout", "10"],
    { cwd: directory.path },
  );
  assertEquals([code, stdout], [124, "up\n"], stderr);
});

Deno.test("a failed assertion shows the line, marked, with two around it, and exits with 1", async () => {
  const { code, stderr } = await evaluated(
    "const one: number = 1;\n\n  assertEquals(one, 2);\nthrow 3;\n4;\n5;",
  );
  assertEquals(code, 1);
  assertStringIncludes(
    stderr,
    `!!! [eval]:3:3
!!!   1 | const one: number = 1;
!!!   2 |
!!! > 3 |   assertEquals(one, 2);
!!!     |   ^
!!!   4 | throw 3;
!!!   5 | 4;
!!! AssertionError: Values are not equal`,
  );
});

Deno.test("a mistake in the syntax is shown where it is", async () => {
  const { code, stderr } = await evaluated("1;\nconst x = ;\n");
  assertEquals(code, 1);
  assertStringIncludes(stderr, "!!! [eval]:2:11\n");
  assertStringIncludes(stderr, "!!! SyntaxError: Expression expected\n");
});

const failures: [string, string, number, string][] = [
  ["anything may be thrown", "throw 'cross'", 1, `!!! thrown: "cross"`],
  ["also undefined", "throw undefined", 1, "!!! thrown: undefined"],
  [
    "a rejection with nothing",
    "await Promise.reject()",
    1,
    "!!! thrown: undefined",
  ],
  [
    "a rejection that nobody handles, on the last line",
    "Promise.reject(new TypeError('lost'))",
    1,
    "!!! TypeError: lost",
  ],
  [
    "a rejection that nobody handles, on the last line, on a busy host",
    // A timer of no time is due when the runtime looks at it.
    "const { setTimeout } = globalThis; Object.assign(globalThis, { setTimeout(...all) {" +
    "  const timer = setTimeout(...all), end = performance.now() + 8;" +
    "  while (performance.now() < end); return timer;" +
    "} }); Promise.reject(new TypeError('lost'))",
    1,
    "!!! TypeError: lost",
  ],
  [
    "a rejection that nobody handles",
    "Promise.reject(new TypeError('lost')); await new Promise(() => setTimeout(() => {}, 1e6))",
    1,
    "!!! TypeError: lost",
  ],
  [
    "an error in a timer",
    "setTimeout(() => { throw new RangeError('late') }); await new Promise(() => setTimeout(() => {}, 1e6))",
    1,
    "!!! RangeError: late",
  ],
  [
    "a module that is not there",
    "import './gone.ts'",
    1,
    "!!! TypeError: Module not found",
  ],
  [
    "the end of the process",
    "try { Deno.exit(5) } catch {}; await new Promise(() => {})",
    5,
    "!!! ScriptExit: the script ended itself with exit status 5",
  ],
  [
    "the end of the process with more than an exit status holds",
    "Deno.exit(256)",
    1,
    "!!! ScriptExit: the script ended itself with exit status 256",
  ],
  [
    "the global timeout",
    "await new Promise(() => setTimeout(() => {}, 1e6))",
    124,
    "!!! GlobalTimeout: ",
  ],
];
for (const [name, script, expected, message] of failures) {
  Deno.test(`a script fails: ${name}`, async () => {
    const { code, stderr } = await evaluated(
      script,
      ...expected === 124 ? ["--global-timeout", "0.2"] : [],
    );
    assertEquals(code, expected, stderr);
    assertStringIncludes(stderr, message);
  });
}

Deno.test("Deno.exit(0) passes the test", async () => {
  const { code, stderr } = await evaluated("Deno.exit(0)");
  assertEquals(code, 0);
  assertMatch(stderr, /test passed/);
});

Deno.test("an error after the end of the script is a warning", async () => {
  const { code, stderr } = await evaluated(`
    const { signal } = await Driver.create({ outDir: "." });
    signal.onabort = () => Promise.reject(new Error("x"));
  `);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "after the end of the script: Error: x");
});

Deno.test("a run makes its output directory", async () => {
  using directory = temporaryDirectory();
  const { code, stderr } = await vmwright(
    ["eval", "1", "-o", "new/deep/", "--junit-xml", "j.xml"],
    { cwd: directory.path },
  );
  assertEquals(code, 0, stderr);
  const made = [...Deno.readDirSync(`${directory.path}/new/deep`)];
  assertEquals(made.map(({ name }) => name).sort(), ["j.xml", "report.html"]);
});

Deno.test("reports tell of the failure", async () => {
  using directory = temporaryDirectory();
  const { code, stderr } = await vmwright([
    ...["eval", "-o", directory.path, "--junit-xml", "junit.xml"],
    ...["--", "throw new RangeError('it broke')"],
  ]);
  assertEquals(code, 1);
  assertStringIncludes(
    stderr,
    `!!! artifacts: ${directory.path}/report.html\n`,
  );
  for (const report of ["junit.xml", "report.html"]) {
    const text = Deno.readTextFileSync(`${directory.path}/${report}`);
    assertStringIncludes(text, "it broke");
    assertStringIncludes(text, "[eval]:1:7");
  }
});

for (const [signal, exitCode] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`${signal} ends a run with ${exitCode}, its reports closed`, async () => {
    using directory = temporaryDirectory();
    const child = vmwrightCommand([
      ...["eval", "-o", directory.path, "--junit-xml", "junit.xml", "--"],
      "console.log('up'); await new Promise(() => setTimeout(() => {}, 1e6))",
    ]).spawn();
    const reader = child.stdout.getReader();
    assertEquals(
      new TextDecoder().decode((await reader.read()).value),
      "up\n",
    );
    child.kill(signal);
    assertEquals((await child.status).code, exitCode);
    await reader.cancel();
    const stderr = await toText(child.stderr);
    assertMatch(
      stderr,
      /!!! Interruption: (interrupted|terminated by SIGTERM)/,
    );
    const junit = Deno.readTextFileSync(`${directory.path}/junit.xml`);
    assert(junit.trimEnd().endsWith("</testsuites>"));
  });
}

Deno.test("a script that blocks the process ends with the global timeout, and its reports so far stay", async () => {
  using directory = temporaryDirectory();
  const { code, stdout, stderr } = await vmwright([
    ...["eval", "-o", directory.path, "--junit-xml", "junit.xml"],
    ...["--global-timeout", "3", "--"],
    "console.log('up'); for (;;) {}",
  ]);
  assertEquals([code, stdout], [124, "up\n"], stderr);
  assertMatch(
    stderr,
    /!!! The test took longer than its global timeout of 3 seconds, but the script blocks the process/,
  );
  const junit = Deno.readTextFileSync(`${directory.path}/junit.xml`);
  assert(junit.trimEnd().endsWith("</testsuites>"));
});

Deno.test("a second Ctrl-C ends a script that blocks the process, after a second", async () => {
  const ended: string[] = [];
  /** Sends signals to a script once it blocks its process. */
  const end = async (name: string, signals: readonly Deno.Signal[]) => {
    const child = vmwrightCommand([
      ...["eval", "--no-html", "console.log('up'); for (;;) {}"],
    ]).spawn();
    const stderr = toText(child.stderr);
    const reader = child.stdout.getReader();
    await reader.read();
    return async () => {
      for (const signal of signals) child.kill(signal);
      const { code } = await child.status;
      ended.push(name);
      await reader.cancel();
      assertMatch(await stderr, /^!!! .* but the script blocks the process/m);
      assert(code === 130 || code === 143, String(code));
    };
  };
  // One that gets a single signal at the same moment ends seconds later.
  const ends = await Promise.all([
    end("one signal", ["SIGINT"]),
    end("two signals", ["SIGINT", "SIGTERM"]),
  ]);
  await Promise.all(ends.map((end) => end()));
  assertEquals(ended, ["two signals", "one signal"]);
});
