import {
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { MachineError, UsageError } from "../../mod.ts";
import { guest } from "../guests/mod.ts";
import { booted } from "./booted.ts";

/**
 * Sends a QEMU a command when a first file can be read, and writes a second
 * after the reset that follows.
 */
const sender = `
  const [socket, begin, end, command] = Deno.args;
  const qmp = await Deno.connect({ transport: "unix", path: socket });
  const send = (execute) =>
    qmp.write(new TextEncoder().encode(JSON.stringify({ execute })));
  let said = "";
  const buffer = new Uint8Array(4096);
  const heard = async (text) => {
    while (!said.includes(text)) {
      const count = await qmp.read(buffer);
      said += new TextDecoder().decode(buffer.subarray(0, count));
    }
  };
  await send("qmp_capabilities");
  await heard('"return"');
  console.log("It hears of a reset from now on.");
  await Deno.readTextFile(begin);
  await send(command);
  await heard('"RESET"');
  await Deno.writeTextFile(end, "reset");
`;

const bootId = "cat /proc/sys/kernel/random/boot_id";

Deno.test("a machine that may reboot", async (t) => {
  await using test = await booted({ allowReboot: true });
  const { machine } = test;
  let boot = await machine.succeed(bootId);
  const pid = machine.pid;
  const bootedAnew = async () => {
    const now = await machine.succeed(bootId);
    assertEquals(now === boot, false);
    assertEquals(machine.pid, pid);
    boot = now;
  };

  await t.step(
    "reboot() presses keys, and the next command waits for the new boot",
    async () => {
      await machine.reboot();
      await bootedAnew();
    },
  );

  await t.step(
    "reboot() of a guest that is reset meanwhile leaves the next command alone",
    async () => {
      const waiting = machine.succeed("sleep 1000");
      waiting.catch(() => {});
      await machine.waitUntilSucceeds("pidof sleep", { timeout: 120 });
      const rebooting = machine.reboot();
      await machine.sendMonitorCommand("system_reset");
      await assertRejects(() => waiting, MachineError, "tiny was reset");
      await Promise.all([bootedAnew(), rebooting]);
    },
  );

  await t.step(
    "a command that waits while the guest reboots fails at once, and the next works",
    async () => {
      const waiting = machine.succeed("sleep 1000");
      waiting.catch(() => {});
      await machine.waitUntilSucceeds("pidof sleep", { timeout: 120 });
      await machine.execute("reboot -f", { checkReturn: false });
      const error = await assertRejects(() => waiting, MachineError);
      assertMatch(error.message, /^tiny was reset/);
      await bootedAnew();
    },
  );

  await t.step(
    "a panic is the guest's death, unless the test expects it",
    async () => {
      const error = await machine.succeed("echo c >/proc/sysrq-trigger").then(
        () => undefined,
        (error) => error,
      );
      assertInstanceOf(error, MachineError);
      assertMatch(error.message, /Kernel panic - not syncing/);
      // The kernel reboots a second after.
      await bootedAnew();
    },
  );

  await t.step(
    "commands in transit to a guest that resets do not run after the reset",
    async () => {
      // Whatever is cut off, a command begins at each 32nd byte.
      const command = "exit 0; " +
        "00000008serial  empty   >/stale ".repeat(1 << 15);
      await machine.sendMonitorCommand("stop");
      const running = machine.execute(command);
      running.catch(() => {});
      await machine.sendMonitorCommand("system_reset");
      await machine.sendMonitorCommand("cont");
      await assertRejects(() => running, MachineError, "was reset");
      await bootedAnew();
      assertEquals(await machine.succeed("echo on"), "on\n");
      await machine.succeed("[ ! -e /stale ]");
    },
  );

  await t.step("a reset by QEMU is a reboot too", async () => {
    const reset = machine.waitForQmpEvent(({ event }) => event === "RESET");
    await machine.sendMonitorCommand("system_reset");
    await reset;
    await bootedAnew();
  });

  await t.step(
    "waitUntilSucceeds() goes on after a reboot between its tries",
    async () => {
      await machine.succeed("touch /tmp/before");
      const waiting = machine.waitUntilSucceeds("[ ! -e /tmp/before ]", {
        timeout: 300,
      });
      const outcome = waiting.then(() => undefined, (error) => error);
      await machine.reboot();
      const error = await outcome;
      // A try that was under way says what happened to it.
      if (error !== undefined) assertMatch(error.message, /reset|reboots/);
      await bootedAnew();
    },
  );

  await t.step("console text is that of this boot", async () => {
    await machine.waitForConsoleText("Run /init as init process", {
      timeout: 120,
    });
    await machine.crash();
    await machine.start();
    await machine.waitForConsoleText("Linux version", { timeout: 120 });
    const text = machine.getConsoleLog();
    assertEquals(text.split("Linux version").length, 2);
  });
});

/** A machine, and what has the driver stand still until the guest is reset. */
async function bootedBesideReset() {
  const place = await Deno.makeTempDir();
  const stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(place, { recursive: true }));
  const { startScriptFor } = await guest("tiny");
  const { machine } = stack.use(
    await booted({
      startCommand: `${startScriptFor("tiny")} ` +
        `-qmp unix:${place}/qmp,server=on,wait=off`,
      allowReboot: true,
    }),
  );
  const [begin, end] = ["begin", "end"].map((name) => `${place}/${name}`);
  await new Deno.Command("mkfifo", { args: [begin, end] }).output();
  await machine.start();
  return {
    machine,
    /** Gets a process that sends QEMU a command while the driver stands still. */
    async resetBy(command: string) {
      const process = new Deno.Command(Deno.execPath(), {
        args: ["eval", sender, `${place}/qmp`, begin, end, command],
        stdout: "piped",
      }).spawn();
      stack.defer(async () => void await process.status);
      const said = process.stdout.getReader();
      await said.read();
      await said.cancel();
      return () => {
        Deno.writeTextFileSync(begin, "now");
        Deno.readTextFileSync(end);
      };
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("a panic is the guest's death, too, where the driver stands still until the reset", async () => {
  await using test = await bootedBesideReset();
  const { machine } = test;
  await machine.succeed("echo 1 >/proc/sys/kernel/unknown_nmi_panic");
  const standStill = await test.resetBy("inject-nmi");
  const outcome = machine.succeed("sleep 1000").then(
    () => undefined,
    (error) => error,
  );
  await machine.waitUntilSucceeds("pidof sleep", { timeout: 120 });
  standStill();
  const error = await outcome;
  assertInstanceOf(error, MachineError);
  assertMatch(error.message, /Kernel panic - not syncing/);
});

Deno.test("a command that ended before the guest's reset has its output, also where the driver stands still between", async () => {
  await using test = await bootedBesideReset();
  const { machine } = test;
  await machine.succeed("true");
  const standStill = await test.resetBy("query-status");
  // The port's server has another child once it has said how this one ended.
  const ended =
    'case $(cat /proc/$PPID/task/$PPID/children) in "" | "$$ "*) false; esac';
  const output = machine.succeed(
    `(touch /tmp/apart; until ${ended}; do sleep 0.1; done; reboot -f) ` +
      // It must not hold the port when the command ends.
      "</dev/null >/dev/null 2>&1 & until [ -e /tmp/apart ]; do sleep 0.1; done; " +
      "echo begun >&2; sleep 0.5; head -c 100000 /dev/zero",
  );
  await machine.waitForConsoleText("begun");
  standStill();
  assertEquals((await output).length, 100_000);
});

Deno.test("a machine that may not reboot", async (t) => {
  await using test = await booted();
  const { machine } = test;

  await t.step("says at once how it may", async () => {
    await assertRejects(
      () => machine.reboot(),
      MachineError,
      "tiny is not running",
    );
    await machine.connect();
    await assertRejects(
      () => machine.reboot(),
      UsageError,
      "tiny can't reboot, because a reset ends it: start it by start({ allowReboot: true }), in Python by start(allow_reboot=True)",
    );
    assertEquals(await machine.succeed("echo on"), "on\n");
  });

  await t.step("ends when it does", async () => {
    await machine.sendKey("ctrl-alt-delete");
    await machine.waitForShutdown();
    assertEquals(machine.booted, false);
  });

  await t.step("may when it is started so", async () => {
    await machine.start({ allowReboot: true });
    const boot = await machine.succeed(bootId);
    await machine.reboot();
    assertEquals(await machine.succeed(bootId) === boot, false);
  });

  await t.step("says that it can't while it is paused", async () => {
    await machine.sendMonitorCommand("stop");
    await assertRejects(
      () => machine.reboot(),
      MachineError,
      'tiny takes no keys while it does not run: its status is "paused"',
    );
    await machine.sendMonitorCommand("cont");
    assertEquals(await machine.succeed("echo on"), "on\n");
  });
});
