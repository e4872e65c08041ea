/**
 * A driver in a process of its own, for what can only be measured there.
 *
 * @module
 */
import { Driver, Log } from "../../mod.ts";
import { guest } from "../guests/mod.ts";
import { ownCpu, peakMemory } from "./clock.ts";

/** What such a process says of itself. */
export interface ChildReport {
  /** MiB of memory at most. */
  peak: number;
  /** Milliseconds of processor time for what was measured. */
  cpu: number;
}

/** Runs one of the cases below in a process of its own. */
export async function childReport(
  name: "flood" | "copy",
  megabytes: number,
): Promise<ChildReport> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", import.meta.url, name, `${megabytes}`],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Expected a report of ${name}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** A console log as guests print it. */
function consoleText(megabytes: number): string {
  let text = "";
  for (let n = 0; text.length < megabytes * 1024 * 1024; n++) {
    text += `[${(n / 977).toFixed(6).padStart(12)}] systemd[1]: Started ` +
      `bench-${n}.service - Part ${n * 7919 % 1000} of a long story.\r\n`;
  }
  return text;
}

/** A guest beside whose serial port a flood runs, faster than any guest's. */
async function flood(directory: string, megabytes: number): Promise<number> {
  const { startScript } = await guest("tiny");
  await Deno.writeTextFile(`${directory}/text`, consoleText(1));
  const rounds = `for n in $(seq ${megabytes})`;
  const print =
    `${rounds}; do cat ${directory}/text; done; echo the flood ends`;
  await Deno.writeTextFile(
    `${directory}/run-flood-vm`,
    `#!/bin/bash\nmkfifo ${directory}/go\n` +
      `{ read -r _ <${directory}/go; ${print}; } 2>&1 </dev/null &\n` +
      // QEMU makes what it writes to non-blocking, for everybody.
      `${startScript} "$@" | cat\n`,
    { mode: 0o755 },
  );
  const log = new Log([]);
  await using driver = await Driver.create({
    machines: [`${directory}/run-flood-vm`],
    outDir: directory,
    log,
  });
  const [machine] = driver.machines;
  await machine.connect();
  const before = ownCpu();
  const size = (await Deno.stat(machine.console.path)).size;
  const seen = machine.waitForConsoleText("the flood ends");
  await Deno.writeTextFile(`${directory}/go`, "\n");
  await seen;
  const cpu = ownCpu() - before;
  const printed = (await Deno.stat(machine.console.path)).size - size;
  if (printed < megabytes * 1024 * 1024) {
    throw new Error(`Expected ${megabytes} MiB of text, got ${printed} bytes`);
  }
  return cpu;
}

/** A large file out of a guest that shares no directory. */
async function copy(directory: string, megabytes: number): Promise<number> {
  const { startScript } = await guest("tiny");
  const log = new Log([]);
  await using driver = await Driver.create({
    machines: [{ name: "copy", startCommand: `exec ${startScript} -m 1024` }],
    outDir: directory,
    log,
  });
  const [machine] = driver.machines;
  await machine.succeed(
    "umount /tmp/shared",
    `head -c ${megabytes * 1024 * 1024} /dev/urandom >/large`,
  );
  const before = ownCpu();
  await machine.copyFromMachine("/large");
  const cpu = ownCpu() - before;
  const { stdout } = await new Deno.Command("sha256sum", {
    args: [`${directory}/large`],
  }).output();
  const sum = (text: string) => text.split(" ")[0];
  const [host, inGuest] = [
    sum(new TextDecoder().decode(stdout)),
    sum(await machine.succeed("sha256sum /large")),
  ];
  if (host !== inGuest) throw new Error("Expected the copy to be the same");
  return cpu;
}

if (import.meta.main) {
  const [name, megabytes] = Deno.args;
  const directory = await Deno.makeTempDir({ prefix: "vmwright-bench-" });
  try {
    const cpu = await (name === "flood" ? flood : copy)(
      directory,
      Number(megabytes),
    );
    console.log(JSON.stringify({ cpu, peak: peakMemory("self") }));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
