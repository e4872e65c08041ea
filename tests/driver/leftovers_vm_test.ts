/**
 * However a run ends, nothing of it is left: no process, no socket, no file
 * outside the output directory.
 *
 * Each run gets a directory of its own for all that is private to it. Whatever
 * process names that directory, in its environment or its arguments, is of
 * that run.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { guest } from "../guests/mod.ts";

const CLI = new URL("../../cli.ts", import.meta.url).pathname;

/** Goes on once a guest runs. */
const BOOTED =
  'await startAll(); await machine.waitForConsoleText("Linux version");';

/** Goes on for ever, once a guest runs. */
const ENDLESS = `${BOOTED}
console.log("READY");
await machine.waitForConsoleText("what no guest says");
`;

/** Processes that name `mark`. */
function processesOf(mark: string): string[] {
  const found: string[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    try {
      const facts = ["environ", "cmdline"].map((file) =>
        Deno.readTextFileSync(`/proc/${name}/${file}`)
      );
      if (facts.some((text) => text.includes(mark))) {
        found.push(`${name}: ${facts[1].replaceAll("\0", " ")}`);
      }
    } catch {
      // It ended while it was looked at.
    }
  }
  return found;
}

/** Calls `fn` until it answers true; for what no event tells of. */
async function eventually(fn: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!fn() && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Never lets go of the driver's thread, once a guest runs. */
const BLOCKING = `${BOOTED}
console.log("READY");
for (;;) {}
`;

interface Case {
  name: string;
  script: string;
  args?: string[];
  /** Sent one after the other, once the script says that it is ready. */
  signals?: Deno.Signal[];
  /** The exit code; for a signal that kills, none. */
  code?: number;
}

const CASES: Case[] = [
  {
    name: "a script that passes",
    script: BOOTED,
    code: 0,
  },
  {
    name: "a script that fails",
    script: `${BOOTED} throw new Error("no");`,
    code: 1,
  },
  {
    name: "a script that ends its process",
    script: `${BOOTED} Deno.exit(3);`,
  },
  {
    name: "the global timeout",
    script: ENDLESS,
    args: ["--global-timeout", "3"],
    code: 124,
  },
  { name: "Ctrl-C", script: ENDLESS, signals: ["SIGINT"], code: 130 },
  {
    name: "a second Ctrl-C",
    script: ENDLESS,
    signals: ["SIGINT", "SIGINT"],
    code: 130,
  },
  {
    name: "the global timeout of a script that never lets go",
    script: BLOCKING,
    args: ["--global-timeout", "4"],
    code: 124,
  },
  {
    name: "Ctrl-C in a script that never lets go",
    script: BLOCKING,
    signals: ["SIGINT"],
    code: 130,
  },
  { name: "SIGTERM", script: ENDLESS, signals: ["SIGTERM"], code: 143 },
  { name: "kill -9 of the driver", script: ENDLESS, signals: ["SIGKILL"] },
];

async function run(test: Case, fork: boolean): Promise<void> {
  const tiny = await guest("tiny");
  const place = await Deno.makeTempDir({ prefix: "leftovers-" });
  const privatePlace = `${place}/private`;
  const outDir = `${place}/out`;
  try {
    await Deno.mkdir(privatePlace);
    await Deno.mkdir(outDir);
    await Deno.writeTextFile(`${place}/test.ts`, test.script);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--allow-all", CLI, "--no-check", "--vlans", "1"],
        ...["--start-scripts", tiny.startScript, "-o", outDir],
        ...test.args ?? [],
        `${place}/test.ts`,
      ],
      env: {
        XDG_RUNTIME_DIR: privatePlace,
        TMPDIR: privatePlace,
        ...fork ? { VMWRIGHT_GUEST_FORK: "1" } : {},
      },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let said = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      const readyBefore = said.includes("READY");
      said += decoder.decode(chunk, { stream: true });
      if (readyBefore || !said.includes("READY")) continue;
      assertStringIncludes(processesOf(place).join("\n"), "qemu");
      for (const signal of test.signals ?? []) child.kill(signal);
    }
    const status = await child.status;
    if (test.code !== undefined) assertEquals(status.code, test.code);
    // The guard ends a moment after its driver.
    await eventually(() => processesOf(place).length === 0);
    assertEquals(processesOf(place), []);
    await eventually(() => [...Deno.readDirSync(privatePlace)].length === 0);
    assertEquals([...Deno.readDirSync(privatePlace)], []);
    // What was written is kept, whatever happened.
    assertStringIncludes(
      await Deno.readTextFile(`${outDir}/tiny.log`),
      "Linux version",
    );
  } finally {
    await Deno.remove(place, { recursive: true });
  }
}

for (const test of CASES) {
  for (const fork of [false, true]) {
    const how = fork ? "a child of" : "in place of";
    Deno.test(
      `${test.name} leaves nothing behind, with QEMU ${how} the start script`,
      () => run(test, fork),
    );
  }
}
