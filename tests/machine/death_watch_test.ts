/** The decision about a guest that shows a sign of death and then ends. */
import { assertEquals } from "@std/assert";
import { SerialConsole } from "../../src/console/mod.ts";
import { DeathWatch } from "../../src/machine/death_watch.ts";
import { Log } from "../../src/report/mod.ts";
import type { Shell } from "../../src/shell/mod.ts";
import { delay } from "../../src/time/mod.ts";

const PANIC = "[    5.1] Kernel panic - not syncing: sysrq triggered crash\n";
const PROMPT = "(initramfs) ";

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
  const watch = new DeathWatch(
    console,
    () => shell as unknown as Shell,
    () => {
      asked.resolve();
      return stopped.promise;
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

/** Until it is known whether the guest lives. */
async function settled(console: SerialConsole): Promise<void> {
  while (console.sign !== undefined && console.died === undefined) {
    await delay(0.01);
  }
}
