/**
 * Snapshots of guests on KVM, run as `kvm.ts` is.
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { MachineOf, RunEvent } from "../../mod.ts";
import { booted } from "../machine/booted.ts";

/** Forks side by side. */
const FORKS = 3;

/** Tells a figure in a line that the lab looks for. */
function tell(text: string): void {
  console.log(`measured: ${text}`);
}

function random(machine: MachineOf<"qemu">): Promise<string> {
  return machine.succeed("head -c 32 /dev/urandom | od -An -tx1");
}

Deno.test("a guest on KVM goes on from a snapshot, in place and in forks", async () => {
  await using test = await booted();
  const { driver, machine, events } = test;
  const boot = performance.now();
  await machine.succeed("echo before >/tmp/state");
  const booting = (performance.now() - boot) / 1000;
  assertEquals(
    await machine.qmpClient.send("query-kvm"),
    { enabled: true, present: true },
  );
  await using snapshot = await driver.snapshot();
  await machine.succeed("echo after >/tmp/state");
  const { duration } = events.find((event): event is RunEvent & {
    type: "snapshotTaken";
  } => event.type === "snapshotTaken")!;
  await using forks = new AsyncDisposableStack();
  const took: number[] = [], read: string[] = [];
  for (let nr = 0; nr < FORKS; nr++) {
    const began = performance.now();
    const fork = forks.use(await snapshot.fork());
    const { tiny } = fork.named;
    assertEquals(await tiny.succeed("cat /tmp/state"), "before\n");
    took.push((performance.now() - began) / 1000);
    await tiny.succeed(`echo ${nr} >/tmp/state`);
    read.push(await random(tiny));
    const seconds = Number(await tiny.succeed("date +%s"));
    assert(Math.abs(seconds - Date.now() / 1000) < 60, `${seconds}`);
    const maps = Deno.readTextFileSync(`/proc/${tiny.pid}/maps`);
    assert(maps.includes("/state.memory"));
  }
  assertNotEquals(read[0], read[1]);
  assertEquals(await machine.succeed("cat /tmp/state"), "after\n");
  await snapshot.restore();
  assertEquals(await machine.succeed("cat /tmp/state"), "before\n");
  tell(
    `a boot to the first answer: ${
      booting.toFixed(1)
    } s; standing still for a ` +
      `snapshot: ${duration.toFixed(2)} s; forks to their first answers: ` +
      `${took.map((seconds) => seconds.toFixed(1)).join(", ")} s`,
  );
});
