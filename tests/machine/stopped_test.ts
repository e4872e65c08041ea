/** What is told of a guest that QEMU has stopped, but nobody has paused. */
import { assertEquals, assertRejects } from "@std/assert";
import {
  Driver,
  GuestDied,
  Log,
  type MachineOf,
  type QmpClient,
} from "../../mod.ts";

/** Runs a QEMU without a guest, after a shell command. */
async function withMachine(
  first: string,
  fn: (machine: MachineOf<"qemu">) => Promise<void>,
): Promise<void> {
  const outDir = await Deno.makeTempDir();
  const log = new Log();
  {
    await using driver = await Driver.create({
      machines: [{
        name: "web",
        startCommand: `${first}; exec qemu-system-x86_64 -m 16 -S -nodefaults`,
        backend: "qemu",
      }],
      outDir,
      log,
    });
    const [machine] = driver.machines;
    await machine.start();
    await fn(machine);
  }
  await log.close();
  await Deno.remove(outDir, { recursive: true });
}

/** Has QEMU say another state of its guest from now on. */
function pretend(qmp: QmpClient, status: string) {
  const send = qmp.send.bind(qmp);
  let asked = 0;
  let news = Promise.withResolvers<void>();
  const pretence = {
    status,
    /** Waits until the driver has asked so often. */
    async asked(times: number): Promise<void> {
      while (asked < times) await news.promise;
    },
  };
  qmp.send = async (command, ...rest) => {
    if (command !== "query-status") return await send(command, ...rest);
    asked++;
    news.resolve();
    news = Promise.withResolvers();
    return { status: pretence.status, running: false };
  };
  return pretence;
}

Deno.test("a guest that QEMU has stopped for an internal error is dead", async () => {
  await withMachine("true", async (machine) => {
    const dead = assertRejects(() => machine.connect(), GuestDied);
    pretend(machine.qmpClient, "internal-error");
    await machine.sendMonitorCommand("cont");
    await machine.sendMonitorCommand("stop");
    assertEquals(
      (await dead).message,
      'the guest of web died: QEMU\'s query-status says "internal-error"',
    );
  });
});

Deno.test("a guest with a sign of death is dead if QEMU has stopped it by itself, and not if it is paused", async () => {
  await withMachine("printf '(initramfs) '", async (machine) => {
    let isDead = false;
    const dead = assertRejects(() => machine.connect(), GuestDied)
      .finally(() => isDead = true);
    const qemu = pretend(machine.qmpClient, "paused");
    // Of a guest that runs, it asks four times.
    await qemu.asked(6);
    assertEquals(isDead, false);
    qemu.status = "io-error";
    assertEquals((await dead).line, "(initramfs)");
  });
});
