import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { toText } from "@std/streams";
import { gone, processesWith } from "../backend/processes.ts";
import { freePort } from "../free_port.ts";
import { Heard } from "../heard.ts";
import {
  temporaryDirectory,
  vmwright,
  vmwrightCommand,
} from "../cli/vmwright.ts";

const scripts = {
  // Never started.
  "run-idle-vm": "#!/bin/sh\nexit 1\n",
  "test.ts": `const secret = 6 * 7;
await debug.breakpoint({ secret });
console.log("went on");
`,
  "two.ts": `await Promise.all([
  debug.breakpoint({ which: "first" }),
  debug.breakpoint({ which: "second" }),
]);
console.log("went on");
`,
  "test.py": `secret = 6 * 7
def look():
    inner = secret + 1
    debug.breakpoint()
look()
print("went on")
`,
  "port.py": `debug.breakpoint(host="127.0.0.2", port=@)
print("went on")
`,
  "failing.ts": `console.log("began");
await subtest("part", () => assertEquals(machines.length, 2));
`,
  "failing.py": `print("began")
def look(inner):
    with subtest("part"):
        t.assertEqual(inner, 1)
look(43)
`,
  "machine.py": `machines[0].start()
`,
  "machine.ts": `await machines[0].start();
`,
  "slow.py": `import time
time.sleep(600)
`,
  "slow.ts": `await new Promise((resolve) => setTimeout(resolve, 600_000));
`,
};

const common = ["--start-scripts", "run-idle-vm", "--no-html", "--no-check"];

for (const script of ["test.ts", "test.py"]) {
  Deno.test(`a breakpoint of ${script} does not stop without a terminal`, async () => {
    using directory = temporaryDirectory(scripts);
    const { code, stdout, stderr } = await vmwright(
      [script, ...common],
      { cwd: directory.path },
    );
    assertEquals([code, stdout], [0, "went on\n"]);
    assertMatch(
      stderr,
      /passed a breakpoint without a stop: there is no terminal/,
    );
  });
}

const inSandbox = [...common, "--debug-hook-attach", "/bin/attach"];

interface Visit {
  /** What the sandbox is entered by. */
  readonly number: string;
  /** What the prompt at the port said. */
  readonly heard: string;
  /** What the run had said before. */
  readonly before: string;
  /** How the run ended. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script that stops, and types at the prompt that it offers. */
async function visited(
  args: string[],
  cwd: string,
  typed: string,
  meanwhile?: (number: string) => Promise<void>,
): Promise<Visit> {
  const process = vmwrightCommand(args, { cwd }).spawn();
  let stderr = "";
  let match: RegExpExecArray | null = null;
  const { promise: offered, resolve } = Promise.withResolvers<void>();
  const listening = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of process.stderr) {
      stderr += decoder.decode(chunk, { stream: true });
      match ??= /sudo \/bin\/attach (\d{7}) .* TCP port (\d+) of ([\d.]+) has/
        .exec(stderr);
      if (match !== null) resolve();
    }
    resolve();
  })();
  await offered;
  assert(match !== null, stderr);
  const [, number, port, hostname] = match as RegExpExecArray;
  const before = stderr;
  await meanwhile?.(number);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(typed));
  await connection.closeWrite();
  const heard = await toText(connection.readable);
  const stdout = await toText(process.stdout);
  const { code } = await process.status;
  await listening;
  return { number, heard, before, code, stdout, stderr };
}

for (
  const [script, typed, answer] of [
    ["test.ts", "secret + 1\n", /^breakpoint: .*\n> 43\n> $/],
    ["test.py", "inner\n", /^breakpoint test\.py:4: .*\n>>> 43\n>>> $/],
  ] as const
) {
  Deno.test(`a breakpoint of ${script} in a build sandbox has a prompt at a port`, async () => {
    using directory = temporaryDirectory(scripts);
    const { number, heard, stdout, code } = await visited(
      [script, ...inSandbox],
      directory.path,
      typed,
      async (number) => {
        // It is there a moment before it is the program that it becomes.
        await gone(() => processOf(`sleep\0${number}\0`) === undefined);
        const landmark = processOf(`sleep\0${number}\0`);
        const environment = await Deno.readTextFile(
          `/proc/${landmark}/environ`,
        );
        assertMatch(environment, /(?:^|\0)bashInteractive=\/.*sh\0/);
      },
    );
    assertMatch(heard, answer);
    assertEquals([code, stdout], [0, "went on\n"]);
    await gone(() => processOf(`sleep\0${number}\0`) !== undefined);
  });
}

Deno.test("two breakpoints at once have their turns one after the other", async () => {
  using directory = temporaryDirectory(scripts);
  const process = vmwrightCommand(["two.ts", ...inSandbox], {
    cwd: directory.path,
  }).spawn();
  const stderr = new Heard(process.stderr);
  for (const [before, which] of ["first", "second"].entries()) {
    const [, port, hostname] = await stderr.matched(
      /sudo \/bin\/attach \d{7} .* TCP port (\d+) of ([\d.]+) has/,
    );
    const connection = await Deno.connect({ hostname, port: Number(port) });
    await connection.write(new TextEncoder().encode("which\n"));
    const prompt = new Heard(connection.readable);
    await prompt.said(`"${which}"`);
    // While this prompt is open, there is no other.
    const offers = stderr.text.split("sudo /bin/attach ").length - 1;
    assertEquals(offers, before + 1, stderr.text);
    await connection.closeWrite();
    await prompt.whole;
  }
  assertEquals(await toText(process.stdout), "went on\n");
  assertEquals((await process.status).code, 0);
  await stderr.whole;
});

Deno.test("a breakpoint that can't stop leaves later ones in their places", async () => {
  using directory = temporaryDirectory({
    ...scripts,
    // An address for documentation, which no host has.
    "away.py": `try:
    debug.breakpoint(host="192.0.2.1")
except Exception as error:
    print("refused")
debug.breakpoint()
print("went on")
`,
  });
  const { heard, code, stdout } = await visited(
    ["away.py", ...inSandbox],
    directory.path,
    "6 * 7\n",
  );
  assertMatch(heard, /^>>> 42$/m);
  assertEquals([code, stdout], [0, "refused\nwent on\n"]);
});

Deno.test("a breakpoint of a Python script is at the address that it names", async () => {
  const port = freePort("127.0.0.2");
  using directory = temporaryDirectory({
    ...scripts,
    "port.py": scripts["port.py"].replace("@", String(port)),
  });
  const { before, code, stdout } = await visited(
    ["port.py", ...inSandbox],
    directory.path,
    "",
  );
  assertStringIncludes(before, `TCP port ${port} of 127.0.0.2 has`);
  assertEquals([code, stdout], [0, "went on\n"]);
});

for (
  const [script, typed, answer, reason] of [
    [
      "failing.ts",
      "machines.length + 42\n",
      /^failure: .* lets the run end\n> 43\n> $/,
      /^ *AssertionError: Values are not equal/m,
    ],
    [
      "failing.py",
      "inner\n",
      /^failure failing\.py:4: .*\n>>> 43\n>>> $/,
      /^ *RequestedAssertionFailed: 43 != 1$/m,
    ],
  ] as const
) {
  Deno.test(`a failure of ${script} in a build sandbox stops it before it ends`, async () => {
    using directory = temporaryDirectory(scripts);
    const { before, heard, code, stdout, stderr } = await visited(
      [script, ...inSandbox],
      directory.path,
      typed,
    );
    assertMatch(before, reason);
    assertMatch(before, /^ *failing\.\w+:(2:\d+\n *1|4:\d+\n *2) \|/m);
    assertMatch(heard, answer);
    assertEquals([code, stdout], [1, "began\n"]);
    assertMatch(stderr, /^!!! (AssertionError|RequestedAssertionFailed)/m);
  });
}

for (const language of ["ts", "py"]) {
  Deno.test(`neither a broken machine nor the run's end from outside stops a ${language} script`, async () => {
    using directory = temporaryDirectory(scripts);
    const broken = await vmwright([`machine.${language}`, ...inSandbox], {
      cwd: directory.path,
    });
    assertEquals(broken.code, 1);
    const late = await vmwright(
      [`slow.${language}`, ...inSandbox, "--global-timeout", "2"],
      { cwd: directory.path },
    );
    assertEquals(late.code, 124);
    assertEquals(/breakpoint/.test(broken.stderr + late.stderr), false);
  });
}

/** The process with a command line. */
function processOf(commandLine: string): number | undefined {
  const words = commandLine.replaceAll("\0", " ").trim();
  return processesWith(commandLine).find(({ command }) => command === words)
    ?.pid;
}
