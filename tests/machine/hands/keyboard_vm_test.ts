/** Keys in a real guest: what arrives there, and when. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  Driver,
  Log,
  MachineError,
  type MachineOf,
  UsageError,
} from "../../../mod.ts";
import { guest } from "../../guests/mod.ts";
import { kernel } from "../../guests/kernel.ts";
import { moduleClosure } from "../../guests/kernel_modules.ts";
import { booted } from "../booted.ts";

/** Loads kernel modules that the guest does not have. */
async function load(
  machine: MachineOf<"qemu">,
  ...names: string[]
): Promise<void> {
  const { modules } = await kernel();
  for (const { path } of await moduleClosure(modules, names)) {
    await Deno.copyFile(`${modules}/${path}`, `${machine.sharedDir}/module.ko`);
    // 17: it is loaded.
    await machine.succeed("insmod /tmp/shared/module.ko || [ $? = 17 ]");
  }
}

/** So many characters; every fifth takes shift. */
function textOf(count: number): string {
  return "The Quick brown FOX jumps_over 13 lazy DOGS; ".repeat(count / 40)
    .slice(0, count);
}

/** Types a line at a terminal of the guest, and answers what arrived there. */
async function typed(
  machine: MachineOf<"qemu">,
  text: string,
  delay?: number,
): Promise<string> {
  // What the kernel tells there is no echo of ours.
  await machine.succeed("rm -f /tmp/listens /tmp/typed");
  await machine.execute(
    "exec setsid sh -c 'stty -echo; : >/tmp/listens; " +
      "head -n 1 >/tmp/line; mv /tmp/line /tmp/typed' </dev/tty1 >/dev/tty1 2>&1",
    { checkOutput: false },
  );
  await machine.waitForFile("/tmp/listens", { timeout: 60 });
  await machine.sendChars(`${text}\n`, { delay });
  await machine.waitForFile("/tmp/typed", { timeout: 60 });
  return (await machine.succeed("cat /tmp/typed")).trimEnd();
}

/** The keys that went down and up, from what evdev said: `+29 -29`. */
function keyEvents(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer);
  const events: string[] = [];
  for (let at = 0; at + 24 <= bytes.length; at += 24) {
    const [type, code] = [16, 18].map((n) => view.getUint16(at + n, true));
    const value = view.getInt32(at + 20, true);
    // 2: the kernel's own repetition of a key that is held.
    if (type === 1 && value < 2) {
      events.push(`${value === 1 ? "+" : "-"}${code}`);
    }
  }
  return events.join(" ");
}

Deno.test("keys in a guest", async (t) => {
  await using test = await booted();
  const { machine, outDir } = test;
  await machine.succeed("echo 1 >/proc/sys/kernel/printk");

  await t.step("a long text arrives whole, as fast as it is sent", async () => {
    for (const [count, delay] of [[300], [3000, 0], [300, 0.001]]) {
      const text = textOf(count).trimEnd();
      assertEquals(await typed(machine, text, delay), text);
    }
  });

  await load(machine, "evdev");
  await machine.waitForFile("/dev/input/event0", { timeout: 60 });
  // No command of the driver's: an interruption would end it.
  await machine.succeed(
    "setsid cat /dev/input/event0 </dev/null >/tmp/events 2>&1 &",
  );
  await machine.waitUntilSucceeds("pidof cat", { timeout: 60 });
  /** The events of keys, up to those of a last key, `z`. */
  const eventsOf = async (press: () => Promise<void>) => {
    await machine.succeed(": >/tmp/events");
    await press();
    await machine.sendKey("z");
    let events = "";
    for (let tries = 0; tries < 100 && !events.endsWith("-44"); tries++) {
      await machine.copyFromMachine("/tmp/events");
      events = keyEvents(await Deno.readFile(`${outDir}/events`));
    }
    assertStringIncludes(events, "+44 -44");
    return events.slice(0, -"+44 -44".length).trim();
  };

  await t.step("two chords one after the other arrive as two", async () => {
    const events = await eventsOf(async () => {
      await machine.sendKey("meta_l-v");
      await machine.sendKey("meta_l-v");
      await machine.sendKey("ctrl-alt-f5", { delay: 0 });
    });
    assertEquals(
      events,
      "+125 +47 -47 -125 +125 +47 -47 -125 +29 +56 +63 -63 -56 -29",
    );
  });

  await t.step("a delay comes after each character", async () => {
    const began = performance.now();
    await machine.sendChars("Aa", { delay: 0.2 });
    assert(performance.now() - began >= 2 * 200 - 10);
  });

  await t.step(
    "a chord with an unknown key presses none of its keys",
    async () => {
      const events = await eventsOf(async () => {
        await assertRejects(
          () => machine.sendKey("ctrl-nosuchkey"),
          UsageError,
          'QEMU knows no key "nosuchkey"',
        );
      });
      assertEquals(events, "");
    },
  );

  await t.step("the end of a run ends typing", async () => {
    const events = await eventsOf(async () => {
      const typing = machine.sendChars("A".repeat(1000), { delay: 1000 });
      const failed = assertRejects(() => typing, Error, "enough");
      // The first key is down by then, and is released all the same.
      await machine.waitUntilSucceeds("[ -s /tmp/events ]", { timeout: 60 });
      test.driver.interrupt(new Error("enough"));
      await failed;
    });
    assertEquals(events, "+42 +30 -30 -42");
  });

  await t.step(
    "a machine that is paused takes no keys, and says so",
    async () => {
      await machine.sendMonitorCommand("stop");
      await assertRejects(
        () => machine.sendKey("a"),
        MachineError,
        'tiny takes no keys while it does not run: its status is "paused"',
      );
      await machine.sendMonitorCommand("cont");
    },
  );
});

Deno.test("a long text arrives whole by a keyboard of virtio's", async () => {
  const { startScriptFor } = await guest("tiny");
  const outDir = await Deno.makeTempDir();
  await using log = new Log();
  await using driver = await Driver.create({
    outDir,
    log,
    machines: [{
      name: "tiny",
      startCommand: `${startScriptFor("tiny")} -device virtio-keyboard-pci`,
    }],
  });
  const [machine] = driver.machines;
  await load(machine, "virtio_input");
  await machine.succeed("echo 1 >/proc/sys/kernel/printk");
  const text = textOf(300).trimEnd();
  assertEquals(await typed(machine, text, 0), text);
  await Deno.remove(outDir, { recursive: true });
});
