import { assertEquals } from "@std/assert";
import { patienceWith } from "../../src/shell/patience.ts";
import { fakeClock } from "./fake_clock.ts";
import { turn } from "./memory_stream.ts";

/** Whether the patience with a guest has ended. */
function wait(standsStill?: () => Promise<string | undefined>) {
  const state = { isOver: false, cancel: () => {} };
  state.cancel = patienceWith(standsStill)(() => state.isOver = true);
  return state;
}

Deno.test("the patience with a guest lasts for 30 seconds", () => {
  using clock = fakeClock();
  const state = wait();
  clock.pass(29);
  assertEquals(state.isOver, false);
  clock.pass(1);
  assertEquals(state.isOver, true);
});

Deno.test("it lasts no longer for a guest that runs, or whose hypervisor is gone", async () => {
  for (
    const answer of [
      () => Promise.resolve(undefined),
      () => Promise.reject(new Error("it is closed")),
    ]
  ) {
    using clock = fakeClock();
    const state = wait(answer);
    clock.pass(30);
    await turn();
    assertEquals(state.isOver, true);
  }
});

Deno.test("it begins anew for a guest that stands still", async () => {
  using clock = fakeClock();
  let status: string | undefined = "paused";
  const state = wait(() => Promise.resolve(status));
  clock.pass(30);
  await turn();
  clock.pass(29);
  status = undefined;
  await turn();
  assertEquals(state.isOver, false);
  clock.pass(1);
  await turn();
  assertEquals(state.isOver, true);
});

Deno.test("it begins anew where the hypervisor itself is stopped", async () => {
  using clock = fakeClock();
  const state = wait(() => new Promise(() => {}));
  for (let n = 0; n < 3; n++) {
    clock.pass(30);
    await turn();
    clock.pass(2);
    await turn();
  }
  assertEquals(state.isOver, false);
  state.cancel();
});

Deno.test("time in which the driver is stopped counts as a second", () => {
  using clock = fakeClock();
  const state = wait();
  clock.jump(1000);
  clock.pass(28);
  assertEquals(state.isOver, false);
  clock.pass(1);
  assertEquals(state.isOver, true);
});

Deno.test("it does not end once it was cancelled, also while the hypervisor is asked", async () => {
  using clock = fakeClock();
  const asked = Promise.withResolvers<string | undefined>();
  const state = wait(() => asked.promise);
  clock.pass(30);
  state.cancel();
  asked.resolve(undefined);
  await turn();
  clock.pass(100);
  assertEquals(state.isOver, false);
});
