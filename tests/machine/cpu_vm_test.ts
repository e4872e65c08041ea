import { assert, assertEquals, assertRejects } from "@std/assert";
import { type MachineOf, TestFailure, UsageError } from "../../mod.ts";
import { booted } from "./booted.ts";

/**
 * Works for so many seconds, and tells the hundredths of them that the processor
 * gave. In a short time, what a busy host takes from the guest would count.
 */
const SECONDS = 4;
const WORK =
  "read -r _ _ _ _ _ _ _ _ _ _ _ _ _ before _ </proc/$BASHPID/stat; " +
  `end=$((\${EPOCHREALTIME/[.,]/} + ${SECONDS}000000)); ` +
  "while [ ${EPOCHREALTIME/[.,]/} -lt $end ]; do :; done; " +
  "read -r _ _ _ _ _ _ _ _ _ _ _ _ _ after _ </proc/$BASHPID/stat; " +
  "echo $((after - before))";

/** The share of a processor's time that a command gets. */
async function share(machine: MachineOf<"qemu">): Promise<number> {
  return Number(await machine.succeed(WORK)) / 100 / SECONDS;
}

Deno.test("a guest's processor time", async (t) => {
  await using test = await booted();
  const { driver, machine, events } = test;
  await machine.connect();
  const groups = () =>
    machine.succeed("ls /tmp; ! grep -h vmwright /proc/[0-9]*/cgroup");
  const before = await groups();

  await t.step("is a part of what it was until that ends", async () => {
    await driver.subtest("slow", async () => {
      const limit = await machine.limitCpu(0.2);
      assertEquals(limit.text, "processors: 20 % of their time left");
      const limited = await share(machine);
      assert(limited < 0.35, `${limited}`);
    });
    assertEquals(await groups(), before);
    const free = await share(machine);
    assert(free > 0.4, `${free}`);
    const intervals = events.filter(({ type }) => /^interval/.test(type));
    assertEquals(intervals.length, 2);
  });

  await t.step("has the smallest of several limits", async () => {
    const most = () =>
      machine.succeed("cat /tmp/vmwright-cgroup/vmwright/cpu.max");
    const [half, tenth] = await Promise.all([
      machine.limitCpu(0.5),
      machine.limitCpu(0.1),
    ]);
    assertEquals(await most(), "10000 100000\n");
    await tenth.heal();
    assertEquals(await most(), "50000 100000\n");
    await half.heal();
    assertEquals(await groups(), before);
  });

  await t.step("is no share of everything, and no nothing", async () => {
    for (const wrong of [0, 1, 0.001, NaN, "0.5" as unknown as number]) {
      await assertRejects(
        () => machine.limitCpu(wrong),
        UsageError,
        "of its processors' time that is left to tiny, from 0.01 to below 1, got ",
      );
    }
  });

  await t.step("a guest that can't limit it says so", async () => {
    await machine.succeed("touch /tmp/vmwright-cgroup");
    const error = await assertRejects(
      () => machine.limitCpu(0.5),
      TestFailure,
      "the processor time of tiny can't be limited: mkdir: ",
    );
    assert(!error.message.includes("\n"), error.message);
    await machine.succeed("rm /tmp/vmwright-cgroup");
  });

  await t.step("is whole again after a crash", async () => {
    const limit = await machine.limitCpu(0.5);
    await machine.crash();
    await machine.start();
    await machine.connect();
    await limit.heal();
    assertEquals(await groups(), before);
  });
});
