/**
 * A driver that is killed while it saves machines, has others go on from there, or
 * makes some ahead, leaves nothing, and has written to no disk of the author's.
 */
import { assertEquals } from "@std/assert";
import { toText } from "@std/streams";
import { writeOverlay } from "../../src/backend/qemu/overlay.ts";
import { gone, processesWith } from "../backend/processes.ts";
import { guest } from "../guests/mod.ts";
import { type Trial, trials } from "../machine/backends.ts";

const MOD = new URL("../../mod.ts", import.meta.url).href;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const MEBIBYTE = 1 << 20;

/**
 * Saves, forks and goes back, again and again, and tells what it begins. Each
 * machine writes to its disk.
 */
const SCRIPT = `
import { Driver } from ${JSON.stringify(MOD)};
const [startCommand, outDir] = Deno.args;
const driver = await Driver.create({
  machines: [startCommand],
  vlans: [1],
  outDir,
  forks: { forks: 4, memory: 2 ** 40, ahead: true },
});
const WRITE = "dd if=/dev/zero of=/dev/vda bs=4096 count=9 conv=fsync 2>/dev/null";
await driver.machines[0].succeed(WRITE);
for (;;) {
  console.log("PHASE save");
  const snapshot = await driver.snapshot();
  console.log("PHASE fork");
  const fork = await snapshot.fork();
  console.log("PHASE ahead");
  await fork.named.machine.succeed(WRITE);
  console.log("PHASE restore");
  await snapshot.restore();
  console.log("PHASE take");
  const taken = await snapshot.fork();
  console.log("PHASE end");
  await fork[Symbol.asyncDispose]();
  await taken[Symbol.asyncDispose]();
  await snapshot[Symbol.asyncDispose]();
}
`;

/** When a driver is killed: milliseconds after it has begun something. */
type Moment = [phase: string, after: number];

/** Those that every run of the tests has time for, and those of long runs. */
interface Moments {
  readonly short: Moment[];
  readonly long: Moment[];
}

const ofQemu: Moments = {
  short: [
    ["save", 120],
    ["fork", 250],
    ["ahead", 150],
    ["restore", 100],
    ["end", 5],
  ],
  long: [["save", 30], ["fork", 20], ["ahead", 5], ["restore", 20], [
    "take",
    10,
  ]],
};
/** These take longer for each. */
const ofMicroVms: Moments = {
  short: [["save", 500], ["fork", 500]],
  long: [
    ["save", 20],
    ["save", 1500],
    ["fork", 20],
    ["fork", 1500],
    ["restore", 50],
    ["restore", 1000],
    ["end", 5],
  ],
};

/** What a machine is started from, and the author's files, which stay as they are. */
interface Given {
  readonly startCommand: string;
  readonly files: readonly string[];
}

/** A start script that puts an overlay on a template. */
async function qemuMachine(place: string): Promise<Given> {
  const template = `${place}/template.raw`, empty = `${place}/empty.qcow2`;
  await Deno.writeFile(template, new Uint8Array(MEBIBYTE).fill(7));
  writeOverlay(empty, { path: template, format: "raw", size: MEBIBYTE });
  const startCommand = `${place}/run-machine-vm`;
  const { startScriptFor } = await guest("tiny");
  await Deno.writeTextFile(
    startCommand,
    `#!/bin/sh\n[ -e disk.qcow2 ] || cp ${empty} disk.qcow2\n` +
      `exec ${startScriptFor("machine")} ` +
      "-drive file=disk.qcow2,if=none,id=one,format=qcow2 " +
      '-device virtio-blk,drive=one "$@"\n',
    { mode: 0o755 },
  );
  return { startCommand, files: [template, empty] };
}

/** The configuration of a microVM with a disk. */
async function microVm(trial: Trial, place: string): Promise<Given> {
  const disk = `${place}/disk`;
  await Deno.writeFile(disk, new Uint8Array(MEBIBYTE).fill(7));
  return {
    startCommand: await trial.startCommand("machine", place, {
      vlans: [1],
      disks: [disk],
    }),
    files: [disk],
  };
}

/** Reads all that a program says; tells when it has said a text. */
function listen(stdout: ReadableStream<Uint8Array>, text: string) {
  const { promise: said, resolve } = Promise.withResolvers<void>();
  const over = (async () => {
    let all = "";
    const decoder = new TextDecoder();
    for await (const bytes of stdout) {
      all += decoder.decode(bytes, { stream: true });
      if (all.includes(text)) resolve();
    }
  })();
  return { said, over };
}

/** Kills a driver at a moment, and waits until all that it had is gone. */
async function kill(
  [phase, after]: Moment,
  give: (place: string) => Promise<Given>,
): Promise<void> {
  const place = await Deno.makeTempDir({ prefix: "vw-kill-" });
  const temporary = `${place}/tmp`;
  await Deno.mkdir(temporary);
  const { startCommand, files } = await give(place);
  const read = () => Promise.all(files.map((path) => Deno.readFile(path)));
  const before = await read();
  await Deno.writeTextFile(`${place}/test.ts`, SCRIPT);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", "--config", CONFIG],
      ...[`${place}/test.ts`, startCommand, `${place}/out`],
    ],
    env: { TMPDIR: temporary, XDG_RUNTIME_DIR: "" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = toText(child.stderr);
  const { said, over } = listen(child.stdout, `PHASE ${phase}`);
  const early = child.status.then(async ({ code }) => {
    throw new Error(`it ended with status ${code}:\n${await stderr}`);
  });
  early.catch(() => {});
  await Promise.race([said, early]);
  await new Promise((resolve) => setTimeout(resolve, after));
  child.kill("SIGKILL");
  await Promise.all([child.status, stderr, over]);
  await gone(() => processesWith(temporary).length > 0);
  await gone(() => [...Deno.readDirSync(temporary)].length > 0);
  assertEquals(await read(), before);
  await Deno.remove(place, { recursive: true });
}

for (const trial of trials) {
  const isMicroVm = trial.backend !== "qemu";
  const { short, long } = isMicroVm ? ofMicroVms : ofQemu;
  const moments = Deno.env.get("VMWRIGHT_LONG") ? [...short, ...long] : short;
  Deno.test(`kill -9 of a driver while it saves and forks leaves nothing of ${trial.by}`, async (t) => {
    for (const moment of moments) {
      const [phase, after] = moment;
      await t.step({
        name: `${after} ms after the beginning of: ${phase}`,
        sanitizeOps: false,
        sanitizeResources: false,
        sanitizeExit: false,
        fn: () =>
          kill(
            moment,
            (place) => isMicroVm ? microVm(trial, place) : qemuMachine(place),
          ),
      });
    }
  });
}
