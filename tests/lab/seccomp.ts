/**
 * Whether real hypervisors run a guest with their seccomp filters on.
 * `deno task lab tests/lab/seccomp.ts` runs it in the lab's machine; on a host
 * where KVM works, `deno test -A tests/lab/seccomp.ts` does.
 */
import { assert, assertEquals } from "@std/assert";
import { Driver, Log } from "../../mod.ts";
import { trials } from "../machine/backends.ts";

/** A thread's mode of seccomp that has filters, as the kernel numbers it. */
const FILTERED = 2;

/**
 * The modes of seccomp of a process's threads, by their names, but for that
 * which has started the others: Cloud Hypervisor's does nothing more.
 */
function modesOf(pid: number): Record<string, number> {
  const modes: Record<string, number> = {};
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    if (name === `${pid}`) continue;
    const status = Deno.readTextFileSync(`/proc/${pid}/task/${name}/status`);
    const value = (key: string) =>
      new RegExp(`^${key}:\\s*(.*)$`, "m").exec(status)![1];
    modes[`${value("Name")} (${name})`] = Number(value("Seccomp"));
  }
  return modes;
}

for (const { backend, by, startCommand } of trials) {
  if (backend === "qemu") continue;
  Deno.test(`the filters of ${by} are on, and its guest works`, async () => {
    const directory = await Deno.makeTempDir();
    try {
      await using driver = await Driver.create({
        machines: [await startCommand("web", directory)],
        outDir: `${directory}/out`,
        log: new Log([]),
      });
      const [machine] = driver.machines;
      assertEquals(await machine.succeed("echo on"), "on\n");
      const modes = modesOf(machine.pid!);
      console.log(
        `measured: threads of ${backend} by their modes of seccomp: ` +
          JSON.stringify(modes),
      );
      const all = Object.values(modes);
      assert(all.length > 0 && all.every((mode) => mode === FILTERED));
      await using ready = await driver.snapshot();
      await using fork = await ready.fork();
      assertEquals(await fork.machines[0].succeed("echo on"), "on\n");
      await machine.shutdown();
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}
