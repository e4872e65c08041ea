import { assert, assertEquals } from "@std/assert";
import { settle } from "../../../src/machine/snapshots/settle.ts";
import { within } from "../../../src/time/mod.ts";
import { fakeClock } from "../../shell/fake_clock.ts";

/** A loop of bash that takes a fraction of a second. */
const LOOP = "for ((i = 0; i < 100000; i++)); do :; done";

/** Runs a script of bash in a child of the process, which is there then. */
async function run(script: string, launcher: readonly string[] = []) {
  const [command, ...args] = [...launcher, "bash", "-c"];
  const process = new Deno.Command(command, {
    args: [...args, `{ echo; ${script}; } & wait`],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  await process.stdout.getReader().read();
  const ended = new AbortController();
  const children = () =>
    Deno.readTextFileSync(`/proc/${process.pid}/task/${process.pid}/children`)
      .match(/\d+/g) ?? [];
  return {
    pid: process.pid,
    /** The name of the program that the child runs. */
    program: () => Deno.readTextFileSync(`/proc/${children()[0]}/comm`).trim(),
    signal: ended.signal,
    hurry: () => ended.abort(),
    async [Symbol.asyncDispose]() {
      for (const child of children()) Deno.kill(Number(child), "SIGKILL");
      await process.status;
    },
  };
}

Deno.test("settle() waits until a process and its children are idle", async () => {
  await using process = await run(`${LOOP}; exec sleep 1000`);
  await settle(process.pid, process.signal);
  assertEquals(process.program(), "sleep");
});

Deno.test("settle() waits for a process that rarely gets a processor", async () => {
  // The two share a processor, of which one gets a small part.
  const status = Deno.readTextFileSync("/proc/self/status");
  const [, processor] = /^Cpus_allowed_list:\s+(\d+)/m.exec(status)!;
  const pinned = ["taskset", "--cpu-list", processor];
  await using _rival = await run("while :; do :; done", pinned);
  const short = LOOP.replace("100000", "3000");
  await using process = await run(
    `${short}; exec sleep 1000`,
    [...pinned, "nice", "-n", "19"],
  );
  await settle(process.pid, process.signal);
  assertEquals(process.program(), "sleep");
});

Deno.test("settle() does not wait for a process that is always busy", async () => {
  await using process = await run(`while :; do :; done`);
  const settled = settle(process.pid, process.signal).then(() => true);
  assert(await within(120, settled));
});

Deno.test("settle() ends when somebody waits for the guest", async () => {
  await using process = await run("while :; do :; done");
  // No time passes, and the process is no busier than before.
  using _clock = fakeClock();
  let isOver = false;
  settle(process.pid, process.signal).then(() => isOver = true);
  process.hurry();
  for (let turns = 0; turns < 20; turns++) await null;
  assert(isOver);
});
