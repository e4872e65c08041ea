import { assert, assertEquals, assertMatch } from "@std/assert";
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
  "test.py": `secret = 6 * 7
def look():
    inner = secret + 1
    debug.breakpoint()
look()
print("went on")
`,
};

const common = ["--start-scripts", "run-idle-vm", "--no-html", "--no-check"];

for (const script of ["test.ts", "test.py"]) {
  Deno.test(`a breakpoint of ${script} is passed where there is no terminal`, async () => {
    using directory = temporaryDirectory(scripts);
    const { code, stdout, stderr } = await vmwright(
      [script, ...common],
      { cwd: directory.path },
    );
    assertEquals([code, stdout], [0, "went on\n"]);
    assertMatch(stderr, /went past a breakpoint: nobody is at a terminal/);
  });
}

for (
  const [script, typed, answer] of [
    ["test.ts", "secret + 1\n", /^breakpoint: .*\n> 43\n> $/],
    ["test.py", "inner\n", /^breakpoint test\.py:4: .*\n>>> 43\n>>> $/],
  ] as const
) {
  Deno.test(`a breakpoint of ${script} in a build sandbox has a prompt at a port`, async () => {
    using directory = temporaryDirectory(scripts);
    const process = vmwrightCommand(
      [script, ...common, "--debug-hook-attach", "/bin/attach"],
      { cwd: directory.path },
    ).spawn();
    let said = "";
    let match: RegExpExecArray | null = null;
    const { promise: offered, resolve } = Promise.withResolvers<void>();
    const listening = (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of process.stderr) {
        said += decoder.decode(chunk, { stream: true });
        match = /sudo \/bin\/attach (\d{7}) .* TCP port (\d+) of 127\.0\.0\.1/
          .exec(said);
        if (match !== null) resolve();
      }
      resolve();
    })();
    await offered;
    assert(match !== null, said);
    const [, number, port] = match as RegExpExecArray;
    // It is there a moment before it is the program that it becomes.
    let landmark: Awaited<ReturnType<typeof processOf>>;
    const deadline = Date.now() + 10_000;
    do {
      landmark = await processOf(`sleep\0${number}\0`);
    } while (landmark === undefined && Date.now() < deadline);
    assert(landmark !== undefined);
    const environment = await Deno.readTextFile(`/proc/${landmark}/environ`);
    assertMatch(environment, /(?:^|\0)bashInteractive=\/.*sh\0/);

    const connection = await Deno.connect({ port: Number(port) });
    await connection.write(new TextEncoder().encode(typed));
    await connection.closeWrite();
    const heard = await new Response(connection.readable).text();
    assertMatch(heard, answer);

    const stdout = await new Response(process.stdout).text();
    assertEquals(stdout, "went on\n");
    assertEquals((await process.status).code, 0);
    await listening;
    assertEquals(await processOf(`sleep\0${number}\0`), undefined);
  });
}

/** The process with a command line. */
async function processOf(commandLine: string): Promise<string | undefined> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const text = await Deno.readTextFile(`/proc/${name}/cmdline`)
      .catch(() => "");
    if (text === commandLine) return name;
  }
}
