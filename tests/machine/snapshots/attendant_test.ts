/** Attendants of guests, as processes of the host's. */
import { assertEquals } from "@std/assert";
import type { MachineCore } from "../../../src/machine/core.ts";
import { attend, instruct } from "../../../src/machine/snapshots/attendant.ts";

/** A guest whose commands the host's bash runs after others. */
function hostAsGuest(before = ""): MachineCore {
  return {
    run: async (command: string) => {
      const { code, stdout } = await new Deno.Command("bash", {
        args: ["-c", before + command],
      }).output();
      return { status: code, stdout };
    },
  } as unknown as MachineCore;
}

Deno.test("an attendant that has answered and ended is heard all the same", async () => {
  const attendant = await attend(hostAsGuest());
  const { pid } = attendant!;
  // The guest gives the shell no time until the attendant has ended.
  const slow = hostAsGuest(
    `printf() { builtin printf "$@"; while [ -e /proc/${pid}/fd/4 ]; do :; done; }\n`,
  );
  assertEquals(await instruct(slow, attendant!, { shares: [] }), {
    stir: false,
    clock: false,
    shares: false,
  });
});

Deno.test("an attendant that is gone says nothing", async () => {
  const attendant = await attend(hostAsGuest());
  await instruct(hostAsGuest(), attendant!, { shares: [] });
  const again = await instruct(hostAsGuest(), attendant!, { shares: [] });
  assertEquals(again, undefined);
});

Deno.test("an attendant that stays takes orders again", async () => {
  const attendant = await attend(hostAsGuest());
  const done = { stir: false, clock: false, shares: false };
  for (const stays of [true, true, false]) {
    assertEquals(
      await instruct(hostAsGuest(), attendant!, { shares: [], stays }),
      done,
    );
  }
});
