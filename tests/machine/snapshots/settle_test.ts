import { assert, assertEquals } from "@std/assert";
import { settle } from "../../../src/machine/snapshots/settle.ts";
import { within } from "../../../src/time/mod.ts";

/** A loop of bash that takes a fraction of a second. */
const LOOP = "for ((i = 0; i < 100000; i++)); do :; done";

/**
 * Runs a script of bash in a child of the process.
 *
 * @returns The process, once the child is there, and whether the script has said
 * something yet.
 */
async function run(script: string, launcher: readonly string[] = []) {
  const [command, ...args] = [...launcher, "bash", "-c"];
  const process = new Deno.Command(command, {
    args: [...args, `{ echo; ${script}; } & wait`],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const ended = new AbortController();
  const seen = { hasSpoken: false };
  const said = process.stdout.getReader();
  await said.read();
  said.read().then(() => seen.hasSpoken = true);
  return {
    pid: process.pid,
    seen,
    signal: ended.signal,
    hurry: () => ended.abort(),
    async [Symbol.asyncDispose]() {
      for (
        const child of Deno.readTextFileSync(
          `/proc/${process.pid}/task/${process.pid}/children`,
        ).matchAll(/\d+/g)
      ) Deno.kill(Number(child[0]), "SIGKILL");
      await process.status;
    },
  };
}

Deno.test("settle() waits until a process and its children are idle", async () => {
  await using process = await run(`${LOOP}; echo; exec sleep 1000`);
  await settle(process.pid, process.signal);
  assert(process.seen.hasSpoken);
});

Deno.test("settle() waits for a process that rarely gets a processor", async () => {
  // The two share a processor, of which one gets a small part.
  const pinned = ["taskset", "--cpu-list", "0"];
  await using _rival = await run("while :; do :; done", pinned);
  const short = LOOP.replace("100000", "3000");
  await using process = await run(
    `${short}; echo; exec sleep 1000`,
    [...pinned, "nice", "-n", "19"],
  );
  await settle(process.pid, process.signal);
  assert(process.seen.hasSpoken);
});

Deno.test("settle() does not wait for a process that is always busy", async () => {
  await using process = await run(`while :; do :; done`);
  const settled = settle(process.pid, process.signal).then(() => true);
  assert(await within(120, settled));
});

Deno.test("settle() ends when somebody waits for the guest", async () => {
  await using process = await run(`${LOOP}; echo; while :; do :; done`);
  const settled = settle(process.pid, process.signal);
  process.hurry();
  await settled;
  assertEquals(process.seen.hasSpoken, false);
});
