/** What is decided of a guest that has shown a sign of death and then ends. */
import { assertEquals } from "@std/assert";
import { SerialConsole } from "../../src/console/mod.ts";
import { DeathWatch } from "../../src/machine/death_watch.ts";
import { Log } from "../../src/report/mod.ts";
import type { Shell } from "../../src/shell/mod.ts";

const PANIC = "[    5.1] Kernel panic - not syncing: sysrq triggered crash\n";
const PROMPT = "(initramfs) ";

/** A guest that prints a text; its shell answers, or does not. */
async function guestThat(prints: string, does: "answers" | "is silent") {
  const path = await Deno.makeTempFile();
  const console = new SerialConsole({
    machine: "server",
    path,
    log: new Log([]),
  });
  const answered = Promise.withResolvers<void>();
  const shell = {
    isThere: true,
    pace: 0,
    answer: () => {
      if (does === "is silent") return new Promise<void>(() => {});
      // When that has been taken in.
      setTimeout(answered.resolve, 0);
      return Promise.resolve();
    },
  };
  const watch = new DeathWatch(console, () => shell as unknown as Shell);
  console.feed(new TextEncoder().encode(prints));
  if (does === "answers") await answered.promise;
  return {
    console,
    watch,
    [Symbol.dispose]() {
      watch.forget();
      console.close();
      Deno.removeSync(path);
    },
  };
}

Deno.test("a guest that ends after a sign of death", async (t) => {
  await t.step("has died of it where its shell did not answer", async () => {
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
