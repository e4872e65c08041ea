/**
 * A driver in a process of its own, for what can only be measured there.
 *
 * @module
 */
import {
  Driver,
  HtmlListener,
  JunitListener,
  Log,
  type Machine,
  TerminalListener,
} from "../../mod.ts";
import { SerialConsole } from "../../src/console/mod.ts";
import { guest } from "../guests/mod.ts";
import { ownCpu, peakMemory } from "./clock.ts";

/** What such a process says of itself. */
export interface ChildReport {
  /** MiB of memory at most. */
  peak: number;
  /** Milliseconds of processor time of the measured work. */
  cpu: number;
}

/** As the first line of cli.ts says; V8 heeds it at its start alone. */
const flag = "--v8-flags=--max-semi-space-size=4";

/** Runs one of the cases below in a process of its own. */
export async function childReport(
  name: keyof typeof cases,
  megabytes: number,
): Promise<ChildReport> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", flag, import.meta.url],
      ...[name, `${megabytes}`],
    ],
    // The consoles' lines go there.
    stderr: "null",
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
async function flood(
  directory: string,
  megabytes: number,
): Promise<ChildReport> {
  const { startScript } = await guest("tiny", { aslr: true });
  await Deno.writeTextFile(`${directory}/text`, consoleText(1));
  const rounds = `for n in $(seq ${megabytes})`;
  const print =
    `${rounds}; do cat ${directory}/text; done; echo the flood ends`;
  await Deno.writeTextFile(
    `${directory}/run-flood-vm`,
    `#!/bin/bash\nmkfifo ${directory}/go\n` +
      `{ read -r _ <${directory}/go; ${print}; } 2>&1 </dev/null &\n` +
      // QEMU makes its output non-blocking, also for other processes.
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
  const size = (await Deno.stat(`${driver.outDir}/${machine.name}.log`)).size;
  const seen = machine.waitForConsoleText("the flood ends");
  await Deno.writeTextFile(`${directory}/go`, "\n");
  await seen;
  const report = reportSince(before);
  const printed =
    (await Deno.stat(`${driver.outDir}/${machine.name}.log`)).size - size;
  if (printed < megabytes * 1024 * 1024) {
    throw new Error(`Expected ${megabytes} MiB of text, got ${printed} bytes`);
  }
  return report;
}

/** The same line again and again, or one line without an end, in every report. */
async function reported(
  directory: string,
  megabytes: number,
  line: string,
): Promise<ChildReport> {
  const log = new Log([
    new TerminalListener(),
    new JunitListener(`${directory}/junit.xml`),
    new HtmlListener(`${directory}/report.html`),
  ]);
  const path = `${directory}/console.log`;
  const before = ownCpu();
  using console = new SerialConsole({ machine: "bench", path, log });
  const text = line.repeat(Math.ceil(64 * 1024 / line.length));
  const chunk = new TextEncoder().encode(text).subarray(0, 64 * 1024);
  for (let round = 0; round < 16 * megabytes; round++) {
    console.feed(chunk);
    // As it is between two reads of a socket.
    if (round % 16 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  console.close();
  await log.close();
  return reportSince(before);
}

const lines = (directory: string, megabytes: number) =>
  reported(directory, megabytes, "[    1.234567] A part of a long story.\r\n");

const oneLine = (directory: string, megabytes: number) =>
  reported(directory, megabytes, "a story without an end, ");

/** A machine whose disk, which is its memory, has room for much. */
async function roomyDriver(directory: string): Promise<Driver> {
  const { startScript } = await guest("tiny", { aslr: true });
  return await Driver.create({
    machines: [{ name: "roomy", startCommand: `exec ${startScript} -m 1024` }],
    outDir: directory,
    log: new Log([]),
  });
}

/** A large file out of a guest that shares no directory. */
async function copy(
  directory: string,
  megabytes: number,
): Promise<ChildReport> {
  await using driver = await roomyDriver(directory);
  const [machine] = driver.machines;
  await machine.succeed(
    "umount /tmp/shared",
    `head -c ${megabytes * 1024 * 1024} /dev/urandom >/large`,
  );
  const before = ownCpu();
  await machine.copyFromMachine("/large");
  const report = reportSince(before);
  await expectSame(machine, directory, "large");
  return report;
}

/** Text that a command prints, as one string. */
async function output(
  directory: string,
  megabytes: number,
): Promise<ChildReport> {
  await using driver = await roomyDriver(directory);
  const [machine] = driver.machines;
  await machine.succeed(
    `head -c ${megabytes * 786432} /dev/urandom | base64 -w 0 >/text`,
  );
  const before = ownCpu();
  const text = await machine.succeed("cat /text");
  const report = reportSince(before);
  await Deno.writeTextFile(`${directory}/text`, text);
  await expectSame(machine, directory, "text");
  return report;
}

/** Expects a file of the host to be the same as the guest's. */
async function expectSame(
  machine: Machine,
  directory: string,
  name: string,
): Promise<void> {
  const { stdout } = await new Deno.Command("sha256sum", {
    args: [`${directory}/${name}`],
  }).output();
  const sum = (text: string) => text.split(" ")[0];
  const host = sum(new TextDecoder().decode(stdout));
  const inGuest = sum(await machine.succeed(`sha256sum /${name}`));
  if (host !== inGuest) throw new Error("Expected the copy to be the same");
}

/** The report of what began with so much processor time used. */
function reportSince(cpu: number): ChildReport {
  return { cpu: ownCpu() - cpu, peak: peakMemory("self") };
}

const cases = { flood, copy, output, lines, oneLine };

if (import.meta.main) {
  const [name, megabytes] = Deno.args;
  const directory = await Deno.makeTempDir({ prefix: "vmwright-bench-" });
  try {
    const report = await cases[name as keyof typeof cases](
      directory,
      Number(megabytes),
    );
    console.log(JSON.stringify(report));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
