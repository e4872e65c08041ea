/**
 * However a run ends, nothing of it is left: no process, no socket, no file
 * outside the output directory.
 *
 * Each run gets a directory of its own for all that is private to it. Whatever
 * process names that directory, in its environment, its arguments or, as those
 * in a container do, its mounts, is of that run.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { containerScript, noContainers } from "../guests/container.ts";
import { guest } from "../guests/mod.ts";
import { virtiofsd, virtiofsScript } from "../guests/virtiofs.ts";
import { ownVlan } from "./own_vlan.ts";

const CLI = new URL("../../cli.ts", import.meta.url).pathname;

/** Goes on once a guest runs. */
const BOOTED =
  "await startAll(); await machine.waitForConsoleText(/Linux version|Welcome/);";

/** Goes on forever, once a guest runs. */
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
      const facts = ["environ", "cmdline", "mountinfo"].map((file) =>
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
  const deadline = Date.now() + 300_000;
  while (!fn() && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Never lets go of the driver's thread, once a guest runs; it takes no CPU time. */
const BLOCKING = `${BOOTED}
console.log("READY");
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
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

/** How a guest is run. */
interface Way {
  name: string;
  startScript: (place: string) => string | Promise<string>;
  env?: Record<string, string>;
  /** In the arguments of a process of it. */
  program: string;
  /** What its console says. */
  says: string;
  ignore?: boolean;
  /** The only ends it is tried with; all by default. */
  ends?: string[];
}

const vlan = ownVlan("leftovers");
const tiny = async () => (await guest("tiny")).startScript;

const WAYS: Way[] = [
  {
    name: "QEMU in place of the start script",
    startScript: tiny,
    program: "qemu",
    says: "Linux version",
  },
  {
    name: "QEMU a child of the start script",
    startScript: tiny,
    env: { VMWRIGHT_GUEST_FORK: "1" },
    program: "qemu",
    says: "Linux version",
  },
  {
    name: "a container",
    startScript: (place) => containerScript(place, "tiny", { vlan }),
    program: "systemd-nspawn",
    says: "Welcome",
    ignore: noContainers !== undefined,
  },
  {
    name: "virtiofsd in the background",
    startScript: async (place) => await virtiofsScript(place, await tiny()),
    program: "virtiofsd",
    says: "Linux version",
    ignore: virtiofsd() === undefined,
    ends: ["a script that passes", "Ctrl-C", "kill -9 of the driver"],
  },
];

async function run(test: Case, way: Way): Promise<void> {
  const place = await Deno.makeTempDir({ prefix: "leftovers-" });
  const privatePlace = `${place}/private`;
  const outDir = `${place}/out`;
  try {
    await Deno.mkdir(privatePlace);
    await Deno.mkdir(outDir);
    await Deno.writeTextFile(`${place}/test.ts`, test.script);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--allow-all", CLI, "--no-check", "--vlans", `${vlan}`],
        ...["--start-scripts", await way.startScript(place), "-o", outDir],
        ...test.args ?? [],
        `${place}/test.ts`,
      ],
      env: {
        XDG_RUNTIME_DIR: privatePlace,
        TMPDIR: privatePlace,
        ...way.env,
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
      // Where this test stands still for a moment, a timeout may be over by now.
      if (test.args === undefined) {
        assertStringIncludes(processesOf(place).join("\n"), way.program);
      }
      for (const signal of test.signals ?? []) child.kill(signal);
    }
    const status = await child.status;
    if (test.code !== undefined) assertEquals(status.code, test.code);
    // The guard ends a moment after its driver.
    await eventually(() => processesOf(place).length === 0);
    assertEquals(processesOf(place), []);
    await eventually(() => [...Deno.readDirSync(privatePlace)].length === 0);
    assertEquals([...Deno.readDirSync(privatePlace)], []);
    // What was written is kept, whatever happened; a timeout of a run on a busy
    // machine may be over before its guest says a word.
    if (test.args === undefined || said.includes("READY")) {
      assertStringIncludes(
        await Deno.readTextFile(`${outDir}/tiny.log`),
        way.says,
      );
    }
  } finally {
    await Deno.remove(place, { recursive: true });
  }
}

/** The host's network interfaces that lead into the VLAN. */
function interfaces(): string[] {
  return [...Deno.readDirSync("/sys/class/net")].map(({ name }) => name)
    .filter((name) => [`br${vlan}`, `vde-tap${vlan}`].includes(name));
}

/** Groups of processes that no living driver has. */
function controlGroups(): string[] {
  const text = Deno.readTextFileSync("/proc/mounts");
  const mounts = [...text.matchAll(/^\S+ (\S+) cgroup2? /gm)];
  return mounts.flatMap(([, point]) =>
    [...Deno.readDirSync(point)].map(({ name }) => `${point}/${name}`)
      .filter((path) => path.includes("/vmwright-") && isEmpty(path))
  );
}

function isEmpty(group: string): boolean {
  try {
    return [...Deno.readDirSync(group)].every(({ name, isDirectory }) =>
      !isDirectory || isEmpty(`${group}/${name}`)
    ) && Deno.readTextFileSync(`${group}/cgroup.procs`) === "";
  } catch {
    return false;
  }
}

/** Groups of others that were there before, such as those of a killed run. */
const ofOthers = controlGroups();

for (const test of CASES) {
  const ways = WAYS.filter(({ ends }) => ends?.includes(test.name) ?? true);
  Deno.test(`${test.name} leaves nothing behind`, async (t) => {
    // Most of their time they wait: for the guest, or for a timeout.
    await Promise.all(ways.map((way) =>
      t.step({
        name: `with ${way.name}`,
        ignore: way.ignore,
        sanitizeOps: false,
        sanitizeResources: false,
        sanitizeExit: false,
        fn: () => run(test, way),
      })
    ));
    // The kernel takes an interface away a moment after its process has ended.
    await eventually(() => interfaces().length === 0);
    assertEquals(interfaces(), []);
    // Others' tests have groups too, for a moment.
    let groups: string[] = [];
    await eventually(() => {
      groups = controlGroups().filter((path) => !ofOthers.includes(path));
      return groups.length === 0;
    });
    assertEquals(groups, []);
  });
}
