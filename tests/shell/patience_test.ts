import { assertEquals } from "@std/assert";
import { patienceWith } from "../../src/shell/patience.ts";
import { fakeClock, passInSteps } from "./fake_clock.ts";
import { turn } from "./memory_stream.ts";

/** Whether the patience with a guest has ended. */
function wait(isPaused?: () => Promise<boolean>) {
  const state = { isOver: false, cancel: () => {} };
  state.cancel = patienceWith(isPaused)(() => state.isOver = true);
  return state;
}

/** Seconds after which the hypervisor may have answered. */
const STEP = 1;

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
      () => Promise.resolve(false),
      () => Promise.reject(new Error("it is closed")),
    ]
  ) {
    using clock = fakeClock();
    const state = wait(answer);
    await passInSteps(clock, 29, STEP);
    assertEquals(state.isOver, false);
    await passInSteps(clock, 1, STEP);
    assertEquals(state.isOver, true);
  }
});

Deno.test("it begins again for a guest that is paused", async () => {
  using clock = fakeClock();
  let isPaused = true;
  const state = wait(() => Promise.resolve(isPaused));
  await passInSteps(clock, 30, STEP);
  isPaused = false;
  await passInSteps(clock, 29, STEP);
  assertEquals(state.isOver, false);
  await passInSteps(clock, 1, STEP);
  assertEquals(state.isOver, true);
});

Deno.test("it begins again if the hypervisor itself is stopped", async () => {
  using clock = fakeClock();
  const state = wait(() => new Promise(() => {}));
  await passInSteps(clock, 100, STEP);
  assertEquals(state.isOver, false);
  state.cancel();
});

Deno.test("it begins again if the hypervisor goes on just before its end", async () => {
  using clock = fakeClock();
  let answer = new Promise<boolean>(() => {});
  const state = wait(() => answer);
  await passInSteps(clock, 29, STEP);
  answer = Promise.resolve(false);
  await passInSteps(clock, 10, STEP);
  assertEquals(state.isOver, false);
  state.cancel();
});

Deno.test("time in which the driver is stopped does not count", () => {
  using clock = fakeClock();
  const state = wait();
  clock.jump(1000);
  clock.pass(29);
  assertEquals(state.isOver, false);
  clock.pass(1);
  assertEquals(state.isOver, true);
});

Deno.test("it does not end once it was cancelled, also while the hypervisor is asked", async () => {
  using clock = fakeClock();
  let answer = Promise.resolve(false);
  const state = wait(() => answer);
  await passInSteps(clock, 29, STEP);
  const asked = Promise.withResolvers<boolean>();
  answer = asked.promise;
  await passInSteps(clock, 1, STEP);
  state.cancel();
  asked.resolve(false);
  await turn();
  await passInSteps(clock, 100, STEP);
  assertEquals(state.isOver, false);
});
