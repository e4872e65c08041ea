import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { MachineError, type MachineOf } from "../../mod.ts";
import { coreOf } from "../../src/machine/mod.ts";
import { delay } from "../../src/time/mod.ts";
import { booted } from "./booted.ts";

/** All that can be waited for at a time; each would wait for a long time. */
function waiters(machine: MachineOf<"qemu">): Promise<unknown>[] {
  return [
    machine.succeed("sleep 1000"),
    machine.execute("sleep 1000"),
    machine.waitUntilSucceeds("false"),
    machine.waitForFile("/tmp/never"),
    machine.waitForOpenPort(4444),
    machine.waitForConsoleText("never said"),
    machine.waitUntilTtyMatches(1, "never shown"),
    machine.waitForQmpEvent(() => false),
  ];
}

/**
 * How each waiter failed, when all have. They get so much time that it took
 * an event, and not a timeout, to end them.
 */
async function failures(waiting: Promise<unknown>[]): Promise<Error[]> {
  const began = performance.now();
  const settled = await Promise.allSettled(waiting);
  assert(performance.now() - began < 600_000);
  return settled.map((result) => {
    assertEquals(result.status, "rejected");
    const { reason } = result as PromiseRejectedResult;
    assertInstanceOf(reason, MachineError);
    return reason;
  });
}

/** Until the waits are under way in the guest. */
async function underWay(machine: MachineOf<"qemu">): Promise<void> {
  await machine.waitUntilSucceeds(
    "[ $(pidof sleep | wc -w) -ge 2 ]",
    { timeout: 120 },
  );
}

const deaths: {
  name: string;
  die: (machine: MachineOf<"qemu">) => Promise<unknown>;
  message: RegExp;
  tail: boolean;
  /** The machine's trouble from then on. */
  trouble?: RegExp;
}[] = [
  {
    name: "QEMU is killed",
    die: (machine) => {
      Deno.kill(machine.pid!, "SIGKILL");
      return Promise.resolve();
    },
    message: /^tiny ended: QEMU was killed by SIGKILL/,
    tail: true,
    trouble: /^ended: QEMU was killed by SIGKILL$/,
  },
  {
    name: "QEMU is told to quit",
    die: (machine) => machine.sendMonitorCommand("quit").catch(() => {}),
    message: /^tiny ended: QEMU was told to quit/,
    tail: true,
  },
  {
    name: "the guest's kernel panics",
    die: (machine) =>
      machine.execute("echo c >/proc/sysrq-trigger").catch(() => {}),
    message: /Kernel panic - not syncing/,
    tail: true,
    trouble: /^its guest died: .*Kernel panic - not syncing/,
  },
  {
    name: "the guest powers itself off",
    die: (machine) => machine.execute("poweroff -f").catch(() => {}),
    message: /^tiny ended: the guest powered off/,
    tail: true,
  },
  {
    name: "the guest resets itself, and may not",
    die: (machine) => machine.execute("reboot -f").catch(() => {}),
    message:
      /^tiny ended: the guest reset itself, and reboots are not allowed|^tiny was reset/,
    tail: true,
  },
];

Deno.test("a machine that dies", async (t) => {
  await using test = await booted();
  const { machine } = test;

  for (const { name, die, message, tail, trouble } of deaths) {
    await t.step(
      `${name}: all waits fail at once, and say why`,
      async () => {
        await machine.connect();
        // By the kernel, whose own lines could cut another's in two. It prints
        // nothing more that does not matter: a few lines are quoted.
        await machine.succeed(
          "echo 1 >/proc/sys/kernel/printk; echo '<0>the last words' >/dev/kmsg",
        );
        const waiting = waiters(machine);
        waiting.forEach((waiter) => waiter.catch(() => {}));
        await underWay(machine);
        await die(machine);
        const errors = await failures(waiting);
        for (const { message: text } of errors) {
          assertMatch(text, message);
          if (tail) assertStringIncludes(text, "the last words");
        }
        await machine.waitForShutdown();
        // A report that has one of the errors does not repeat it.
        const core = coreOf(machine);
        for (const error of errors) {
          const outer = new Error("it broke", { cause: error });
          assertEquals(await core.trouble(error), undefined);
          assertEquals(await core.trouble(outer), undefined);
        }
        assertMatch(await core.trouble() ?? "", trouble ?? /^$/);
        assertEquals(machine.booted, false);
        assertEquals(machine.pid, undefined);
      },
    );
  }

  await t.step(
    "a machine that died is started again by the next command",
    async () => {
      assertEquals(await machine.succeed("echo again"), "again\n");
    },
  );

  await t.step(
    "a command for a guest that has panicked, and stays there, fails at once",
    async () => {
      await machine.succeed("echo 0 >/proc/sys/kernel/panic");
      await machine.execute("echo c >/proc/sysrq-trigger").catch(() => {});
      await assertRejects(
        () => machine.succeed("true"),
        MachineError,
        "Kernel panic",
      );
      await machine.crash();
    },
  );

  await t.step(
    "execute() without checkReturn takes a machine's end for an answer",
    async () => {
      assertEquals(
        await machine.execute("echo bye; poweroff -f", { checkReturn: false }),
        [-1, "bye\n"],
      );
      await machine.waitForShutdown();
    },
  );

  await t.step(
    "shutdown() powers off in order and waits for the end",
    async () => {
      await machine.shutdown();
      assertEquals(machine.booted, false);
      await machine.start();
      await machine.shutdown();
      assertEquals(machine.booted, false);
    },
  );

  await t.step("crash() ends the guest as a power failure does", async () => {
    await machine.connect();
    const waiting = machine.succeed("sleep 1000");
    waiting.catch(() => {});
    await underWayOne(machine);
    await machine.crash();
    assertEquals(machine.booted, false);
    assertMatch(
      (await failures([waiting]))[0].message,
      /QEMU was told to quit/,
    );
    await machine.crash();
  });

  await t.step("release() ends the guest, whatever it does", async () => {
    await machine.start();
    const { pid } = machine;
    await machine.release();
    assertEquals(machine.booted, false);
    assertEquals(isThere(pid!), false);
    await machine.release();
  });

  await t.step(
    "waitForShutdown() waits until the guest has ended by itself",
    async () => {
      await machine.connect();
      const waiting = machine.waitForShutdown();
      await machine.execute("poweroff", { checkOutput: false });
      await waiting;
      assertEquals(machine.booted, false);
    },
  );
});

Deno.test("a machine whose shell answers is alive, whatever is printed", async (t) => {
  await using test = await booted();
  const { machine, driver } = test;
  await machine.connect();

  const quotes: [string, string][] = [
    [
      "by set -x",
      "set -x; grep -c 'Kernel panic - not syncing' /proc/version || true",
    ],
    [
      "by an old journal at a line's beginning",
      "echo '[   12.345678] Kernel panic - not syncing: old' >/dev/ttyS0",
    ],
    [
      "by a nested guest's emergency shell",
      "printf 'You are in emergency mode. Really\\n(initramfs) ' >/dev/ttyS0",
    ],
    [
      "again and again",
      "for n in {1..50}; do echo 'Kernel panic - not syncing: x'; " +
      "done >/dev/ttyS0",
    ],
  ];
  for (const [how, command] of quotes) {
    await t.step(`death is quoted ${how}`, async () => {
      const waiting = machine.waitUntilSucceeds("[ -e /tmp/go ]");
      await machine.succeed(command);
      // A machine that were taken for dead would be by then.
      await machine.succeed("sleep 3; touch /tmp/go");
      await waiting;
      assertEquals(coreOf(machine).console.died, undefined);
      assertEquals(coreOf(machine).console.sign, undefined);
      await machine.succeed("rm /tmp/go");
    });
  }

  await t.step("a test can wait for the words of an emergency", async () => {
    await machine.succeed("echo Entering emergency mode. >/dev/ttyS0");
    await machine.waitForConsoleText("Entering emergency mode", {
      timeout: 60,
    });
    assertEquals(await machine.succeed("echo alive"), "alive\n");
  });

  await t.step("a machine can die after a quoted death", async () => {
    await machine.succeed(
      "echo 0 >/proc/sys/kernel/panic",
      "echo 'Kernel panic - not syncing: quoted' >/dev/ttyS0",
    );
    await machine.waitForConsoleText("syncing: quoted", { timeout: 60 });
    // The quoted one is taken for none before the other comes.
    while (coreOf(machine).console.sign !== undefined) await delay(0.01);
    await assertRejects(
      () => machine.execute("echo c >/proc/sysrq-trigger"),
      MachineError,
      "Kernel panic - not syncing: sysrq triggered crash",
    );
    await machine.crash();
  });

  await t.step("the hypervisor's word is proof, and QEMU goes on", async () => {
    await machine.connect();
    const waiting = machine.waitForConsoleText("never said");
    waiting.catch(() => {});
    // As the kernel does that has the module.
    const panic = "printf '\\1' | dd bs=1 seek=1285 of=/dev/port";
    const died = "died: the hypervisor reports that its kernel panicked";
    await assertRejects(
      () => machine.succeed(`${panic}; sleep 1000`),
      MachineError,
      died,
    );
    await assertRejects(() => waiting, MachineError, died);
    assertEquals(machine.booted, true);
    await machine.crash();
  });

  await t.step("a prompt of GRUB is proof where no shell answers", async () => {
    await machine.connect();
    const stop =
      "read -r _ _ _ backdoor _ </proc/$PPID/stat; kill -STOP $backdoor";
    await assertRejects(
      () =>
        machine.succeed(
          `${stop}; printf 'grub rescue> ' >/dev/ttyS0; sleep 1000`,
        ),
      MachineError,
      "died: grub rescue>",
    );
    await machine.crash();
  });

  await t.step(
    "a test that panics on purpose looks at the console",
    async () => {
      await machine.succeed("echo 0 >/proc/sys/kernel/panic");
      await machine.execute("echo c >/proc/sysrq-trigger", {
        checkReturn: false,
      });
      await machine.waitForConsoleText("Kernel panic - not syncing: sysrq");
      await machine.waitForConsoleText("end Kernel panic");
      const error = await assertRejects(
        () => machine.succeed("true"),
        MachineError,
        "Kernel panic",
      );
      // A report that has the error does not repeat the death.
      const core = coreOf(machine);
      assertEquals(await core.trouble(error), undefined);
      assertMatch(await core.trouble() ?? "", /^its guest died: .*panic/);
      await machine.crash();
    },
  );

  await t.step(
    "a guest that may reboot is awaited after its panic",
    async () => {
      const other = driver.createMachine(machine.startCommand, {
        name: "reboots",
      });
      await other.start({ allowReboot: true });
      await other.succeed("echo 1 >/proc/sys/kernel/panic; touch /tmp/before");
      await other.execute("echo c >/proc/sysrq-trigger", {
        checkReturn: false,
      });
      await other.waitForConsoleText("Rebooting in 1 seconds");
      await other.succeed("[ ! -e /tmp/before ]");
      await other.release();
    },
  );
});

async function underWayOne(machine: MachineOf<"qemu">): Promise<void> {
  await machine.waitUntilSucceeds("pidof sleep", { timeout: 120 });
}

function isThere(pid: number): boolean {
  try {
    Deno.statSync(`/proc/${pid}`);
    return true;
  } catch {
    return false;
  }
}

Deno.test("the error of a failed start quotes the start script", async () => {
  await using test = await booted();
  const cases: [string, RegExp][] = [
    ["exit 3", /^broken did not start: QEMU ended with status 3$/],
    [
      "echo no disk here >&2; exit 1; :",
      /^broken did not start: QEMU ended with status 1, and said last:\nno disk here$/,
    ],
    ["/nowhere/run-broken-vm", /status 127[^]*nowhere/],
    ["kill -9 $$; :", /^broken did not start: QEMU was killed by SIGKILL/],
    ["qemu-system-x86_64 -nosuchoption", /status 1[^]*nosuchoption/],
  ];
  for (const [index, [command, message]] of cases.entries()) {
    const name = `broken${index}`;
    const machine = test.driver.createMachine(command, { name });
    const error = await machine.connect().then(
      () => undefined,
      (error) => error,
    );
    assertInstanceOf(error, MachineError);
    assertMatch(error.message.replace(name, "broken"), message);
  }
});
