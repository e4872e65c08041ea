/** How long a guest has for the pages that a balloon wants. */
import { assertEquals, assertRejects } from "@std/assert";
import { LimitedMemory } from "../../src/backend/limited_memory.ts";
import { MachineError } from "../../src/errors.ts";
import { fakeClock, passInSteps } from "../shell/fake_clock.ts";
import { turn } from "../shell/memory_stream.ts";

/** A guest of 8 bytes that is to have 4, and gives what a test says. */
function limited() {
  const guest = { left: 8, isLimited: false };
  const memory = new LimitedMemory({
    page: 1,
    open: () => Promise.resolve(),
    left: () => Promise.resolve(guest.left),
    leave: () => Promise.resolve(),
  }, "web");
  const limiting = memory.limit(4).then(() => void (guest.isLimited = true));
  limiting.catch(() => {});
  return { guest, limiting };
}

/** Seconds between two looks of the driver. */
const LOOK = 0.05;

Deno.test("a guest that gives no page is told so after 20 seconds, or 10 after its last", async () => {
  using clock = fakeClock();
  const none = limited(), some = limited();
  await turn();
  await passInSteps(clock, 15, LOOK);
  some.guest.left = 6;
  await passInSteps(clock, 7, LOOK);
  await assertRejects(() => none.limiting, MachineError, "gives no memory");
  assertEquals(some.guest.isLimited, false);
  await passInSteps(clock, 5, LOOK);
  await assertRejects(() => some.limiting, MachineError, "keeps 6 bytes");
});

Deno.test("time in which the host stands still is not the guest's", async () => {
  using clock = fakeClock();
  const { guest, limiting } = limited();
  await turn();
  for (let n = 0; n < 3; n++) {
    clock.jump(1000);
    await passInSteps(clock, 1, LOOK);
  }
  guest.left = 4;
  await passInSteps(clock, 1, LOOK);
  await limiting;
  assertEquals(guest.isLimited, true);
});
