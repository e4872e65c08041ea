/**
 * What snapshots and forks of machines of QEMU, Firecracker and Cloud Hypervisor
 * take on KVM, all with the guest `micro`. `deno task lab tests/lab/fork_figures.ts`
 * runs it in the lab's machine; on a host where KVM works,
 * `deno test -A tests/lab/fork_figures.ts` does.
 */
import { assertEquals } from "@std/assert";
import { Driver, Log, type RunEvent } from "../../mod.ts";
import { guest } from "../guests/mod.ts";
import { trials } from "../machine/backends.ts";

/** How many forks are there at a time. */
const FORKS = 3;

async function seconds(fn: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await fn();
  return (performance.now() - began) / 1000;
}

/** MiB of a process's memory, in which shared pages count by their part. */
function share(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)![1]) / 1024;
}

function told(values: number[], digits: number): string {
  return values.map((value) => value.toFixed(digits)).join(", ");
}

for (const { backend, by, ...trial } of trials) {
  Deno.test(`figures of forks of ${by}`, async () => {
    const directory = await Deno.makeTempDir();
    const events: RunEvent[] = [];
    const log = new Log([{ on: (event) => void events.push({ ...event }) }]);
    try {
      const command = backend === "qemu"
        ? (await guest("micro")).startScriptFor("web")
        : await trial.startCommand("web", directory);
      await using driver = await Driver.create({
        machines: [command],
        outDir: `${directory}/out`,
        log,
      });
      const [machine] = driver.machines;
      const boot = await seconds(() => machine.succeed("echo before >/tmp/f"));
      // Programs that the guest has run before are read again from memory.
      await machine.succeed("head -c 50M /dev/zero >/tmp/filled; cat /tmp/f");
      const began = performance.now();
      await using ready = await driver.snapshot();
      const save = (performance.now() - began) / 1000;
      const after = await seconds(() => machine.succeed("true"));
      const { duration: still } = events.find((
        event,
      ): event is RunEvent & { type: "snapshotTaken" } =>
        event.type === "snapshotTaken"
      )!;
      await using forks = new AsyncDisposableStack();
      const took: number[] = [], sizes: number[] = [];
      const pids: number[] = [];
      for (let nr = 0; nr < FORKS; nr++) {
        took.push(
          await seconds(async () => {
            const fork = forks.use(await ready.fork());
            const [web] = fork.machines;
            pids.push(web.pid!);
            assertEquals(await web.succeed("cat /tmp/f"), "before\n");
          }),
        );
      }
      for (const pid of pids) sizes.push(share(pid));
      const restore = await seconds(async () => {
        await ready.restore();
        assertEquals(await machine.succeed("cat /tmp/f"), "before\n");
      });
      console.log(
        `measured: ${backend}: boot ${boot.toFixed(2)} s, snapshot ` +
          `${save.toFixed(2)} s, standing still ${still.toFixed(2)} s, first ` +
          `answer after it ${after.toFixed(2)} s, forks to their first ` +
          `answers ${told(took, 2)} s, restore ${
            restore.toFixed(2)
          } s, memory ` +
          `of each fork ${told(sizes, 0)} MiB`,
      );
    } finally {
      await log.close();
      await Deno.remove(directory, { recursive: true });
    }
  });
}
