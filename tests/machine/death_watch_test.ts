/** The decision about a guest that shows a sign of death and then ends. */
import { assertEquals } from "@std/assert";
import { type GuestDied, SerialConsole } from "../../src/console/mod.ts";
import { DeathWatch } from "../../src/machine/death_watch.ts";
import { Log } from "../../src/report/mod.ts";
import type { Shell } from "../../src/shell/mod.ts";
import { delay } from "../../src/time/mod.ts";
import { fakeClock, passInSteps } from "../shell/fake_clock.ts";

const PANIC = "[    5.1] Kernel panic - not syncing: sysrq triggered crash\n";
const PROMPT = "(initramfs) ";
/** What follows a panic where there is a crash kernel. */
const LOADED =
  "[    5.2] CPU: 0 PID: 134 Comm: bash Kdump: loaded Tainted: G            E\n";
const BANNER = "[    0.000000] Linux version 6.1.0-57-amd64 (gcc-12)\n";
const OTHER_PANIC = "[    3.1] Kernel panic - not syncing: no init found\n";

/** A guest that prints a text; its shell answers, or does not, or comes late. */
async function guestThat(
  prints: string,
  does: "answers" | "is silent" | "is late",
) {
  const path = await Deno.makeTempFile();
  const console = new SerialConsole({
    machine: "server",
    path,
    log: new Log([]),
  });
  const answered = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  const stands = { still: false };
  const shell = {
    isThere: does !== "is late",
    pace: 0,
    answer: () => {
      if (does === "is silent") return answered.promise;
      // When that has been taken in.
      setTimeout(answered.resolve, 0);
      return Promise.resolve();
    },
  };
  /** The deaths of kernels that a crash kernel was to follow. */
  const handedOver: GuestDied[] = [];
  const watch = new DeathWatch(
    console,
    () => shell as unknown as Shell,
    async () => {
      asked.resolve();
      await stopped.promise;
      return stands.still;
    },
    (death) => {
      handedOver.push(death);
      shell.isThere = false;
    },
  );
  console.feed(new TextEncoder().encode(prints));
  if (does === "answers") await answered.promise;
  return {
    console,
    watch,
    shell,
    answered,
    asked: asked.promise,
    handedOver,
    prints: (text: string) => console.feed(new TextEncoder().encode(text)),
    stands,
    /** Its hypervisor was stopped from the first question on. */
    goOn: stopped.resolve,
    [Symbol.dispose]() {
      watch.forget();
      console.close();
      Deno.removeSync(path);
    },
  };
}

Deno.test("a guest that ends after a sign of death", async (t) => {
  await t.step("has died of it if its shell did not answer", async () => {
    using guest = await guestThat(PROMPT, "is silent");
    guest.watch.conclude();
    assertEquals(guest.console.died?.line, PROMPT.trim());
  });

  await t.step("has not where it did", async () => {
    using guest = await guestThat(PROMPT, "answers");
    guest.watch.conclude();
    assertEquals(guest.console.died, undefined);
  });

  await t.step(
    "has died of a panic where its shell answered while the kernel printed it",
    async () => {
      using guest = await guestThat(PANIC, "answers");
      guest.watch.conclude();
      assertEquals(guest.console.died?.line, PANIC.trim());
    },
  );
});

Deno.test("time in which the hypervisor is stopped does not count", async (t) => {
  await t.step("for the answer of a shell", async () => {
    using guest = await guestThat(PROMPT, "is silent");
    await guest.asked;
    guest.answered.resolve();
    guest.goOn();
    await settled(guest.console);
    assertEquals(guest.console.died, undefined);
  });

  await t.step("for the text of a guest without a shell", async () => {
    using guest = await guestThat(PROMPT, "is late");
    await guest.asked;
    guest.console.feed(new TextEncoder().encode("It goes on.\n"));
    guest.shell.isThere = true;
    guest.goOn();
    await settled(guest.console);
    assertEquals(guest.console.died, undefined);
  });

  await t.step("but after that, a guest that is silent is dead", async () => {
    using guest = await guestThat(PROMPT, "is silent");
    await guest.asked;
    guest.goOn();
    await settled(guest.console);
    assertEquals(guest.console.died?.line, PROMPT.trim());
  });
});

Deno.test("a kernel that panics and has a crash kernel", async (t) => {
  /** The guest, when the shell of the kernel that panicked is given up. */
  async function panicked() {
    using stack = new DisposableStack();
    const clock = stack.use(fakeClock());
    const guest = stack.use(await guestThat(PANIC + LOADED, "is silent"));
    guest.goOn();
    await passInSteps(clock, 2, 0.25);
    assertEquals(
      guest.handedOver.map(({ line }) => line),
      [PANIC.trim()],
    );
    assertEquals(guest.console.died, undefined);
    const all = stack.move();
    return {
      ...guest,
      pass: (seconds: number) => passInSteps(clock, seconds, 0.25),
      [Symbol.dispose]: () => all.dispose(),
    };
  }

  await t.step("is not the guest's death if that boots", async () => {
    using guest = await panicked();
    await guest.pass(100);
    guest.prints(BANNER);
    await guest.pass(300);
    assertEquals(guest.console.died, undefined);
    assertEquals(guest.console.sign, undefined);
  });

  await t.step("nor if its shell comes, and it prints nothing", async () => {
    using guest = await panicked();
    guest.shell.isThere = true;
    await guest.pass(300);
    assertEquals(guest.console.died, undefined);
    assertEquals(guest.console.sign, undefined);
  });

  await t.step("nor if the guest is reset, as after a dump", async () => {
    using guest = await panicked();
    guest.watch.conclude();
    assertEquals(guest.console.died, undefined);
  });

  await t.step("is if nothing comes in two minutes", async () => {
    using guest = await panicked();
    await guest.pass(130);
    assertEquals(guest.console.died?.line, PANIC.trim());
  });

  await t.step("is if the crash kernel panics too", async () => {
    using guest = await panicked();
    guest.prints(BANNER + OTHER_PANIC);
    await guest.pass(5);
    assertEquals(guest.console.died?.line, OTHER_PANIC.trim());
    assertEquals(guest.handedOver.length, 1);
  });
});

Deno.test("time in which the guest is paused does not count", async (t) => {
  for (const does of ["is silent", "is late"] as const) {
    await t.step(`where it ${does}`, async () => {
      using clock = fakeClock();
      using guest = await guestThat(PROMPT, does);
      guest.stands.still = true;
      guest.goOn();
      await passInSteps(clock, 10, 0.25);
      assertEquals(guest.console.died, undefined);
      guest.stands.still = false;
      await passInSteps(clock, 2, 0.25);
      assertEquals(guest.console.died?.line, PROMPT.trim());
    });
  }
});

/** Until it is known whether the guest lives. */
async function settled(console: SerialConsole): Promise<void> {
  while (console.sign !== undefined && console.died === undefined) {
    await delay(0.01);
  }
}
