import { assert, assertEquals, assertRejects } from "@std/assert";
import { MachineError, type MachineOf, UsageError } from "../../mod.ts";
import { guest } from "../guests/mod.ts";
import { booted } from "./booted.ts";

/**
 * How far a guest's clock is ahead of ours, in seconds, give or take one: where
 * the host is busy, it takes a while until the guest answers soon.
 */
async function ahead(machine: MachineOf<"qemu">): Promise<number> {
  while (true) {
    const before = Date.now() / 1000;
    const said = Number(await machine.succeed("echo $EPOCHREALTIME"));
    const after = Date.now() / 1000;
    if (after - before < 2) return said - (before + after) / 2;
  }
}

Deno.test("a guest's time", async (t) => {
  await using test = await booted();
  const { driver, machine, events } = test;
  await machine.connect();
  const usual = await ahead(machine);

  await t.step(
    "a guest that is paused stands still until it goes on",
    async () => {
      const pause = await machine.pause();
      const status = await machine.qmpClient.send("query-status");
      assertEquals((status as { status: string }).status, "paused");
      let isOver = false;
      const asked = machine.succeed("echo on").finally(() => isOver = true);
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert(!isOver);
      await machine.resume();
      assert(pause.isOver);
      assertEquals(await asked, "on\n");
      const began = events.filter((event) =>
        event.type === "intervalBegan" && event.kind === "pause"
      );
      assertEquals(began.length, 1);
    },
  );

  await t.step("a subtest's end resumes a paused guest", async () => {
    await driver.subtest("paused", () => machine.pause().then(() => {}));
    await machine.succeed("true");
  });

  await t.step(
    "a clock is set, and later as if nobody had set it",
    async () => {
      {
        await using _late = await machine.setClock(new Date("2038-01-19"));
        assertEquals(
          (await machine.succeed("date -u +%F")).trim(),
          "2038-01-19",
        );
      }
      assert(Math.abs(await ahead(machine) - usual) < 5);
      await driver.subtest("skewed", async () => {
        await machine.skew(3600);
        await machine.skew(-7200);
        const now = await ahead(machine);
        assert(Math.abs(now - usual + 3600) < 60, `${now}`);
      });
      assert(Math.abs(await ahead(machine) - usual) < 5);
    },
  );

  await t.step("a value that is no time is refused", async () => {
    for (const to of [0, NaN, new Date("no date"), Date.now()]) {
      await assertRejects(() => machine.setClock(to), UsageError, "Expected");
    }
    await assertRejects(() => machine.skew(NaN), UsageError, "Expected");
  });

  await t.step("an NMI arrives", async () => {
    const count = async () =>
      Number(
        (await machine.succeed("grep NMI: /proc/interrupts")).match(/\d+/)![0],
      );
    const before = await count();
    await machine.nmi();
    await machine.waitUntilSucceeds(
      `[ "$(grep -o 'NMI: *[0-9]*' /proc/interrupts | grep -o '[0-9]*$')" -gt ${before} ]`,
      { timeout: 60 },
    );
  });
});

Deno.test("with fastForward, an hour is over at once", async (t) => {
  const { startScriptFor } = await guest("tiny");
  await using test = await booted({ names: ["fast"], fastForward: true });
  const { driver, machine } = test;

  await machine.connect();

  await t.step("a timer of an hour is over", async () => {
    const began = performance.now();
    await machine.succeed("sleep 3600");
    const seconds = (performance.now() - began) / 1000;
    assert(seconds < 600, `${seconds}`);
    assert(await ahead(machine) > 3000);
  });

  await t.step("several processors can't be", async () => {
    const many = driver.createMachine(`${startScriptFor("many")} -smp 2`, {
      name: "many",
      fastForward: true,
    });
    await assertRejects(
      () => many.start(),
      MachineError,
      "fastForward needs a guest of one processor, and the start script gives it 2",
    );
  });

  await t.step("nor can what QEMU does not count", async () => {
    const command = "echo 'qemu: -icount is not allowed with hardware " +
      "virtualization' >&2; false #";
    const kvm = driver.createMachine(command, { name: "kvm" });
    await assertRejects(
      () => kvm.start({ fastForward: true }),
      MachineError,
      "have the start script say -accel tcg",
    );
  });
});
