/** How it is found out whether a guest has ended that has said so. */
import { assertEquals } from "@std/assert";
import { isAlive } from "../../../src/backend/firecracker/sign_of_life.ts";
import type { ByteStream } from "../../../src/stream/mod.ts";
import { fakeClock } from "../../shell/fake_clock.ts";
import { memoryStream, turn } from "../../shell/memory_stream.ts";

/** What was found out so far, of a guest and a hypervisor that a test plays. */
function ask(standsStill: () => Promise<string | undefined>) {
  const { promise, resolve, reject } = Promise.withResolvers<ByteStream>();
  const state = {
    isAlive: undefined as boolean | undefined,
    takes: () => resolve(memoryStream()),
  };
  const dial = (signal: AbortSignal) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    return promise;
  };
  isAlive({ dial, standsStill }).then((found) => state.isAlive = found);
  return state;
}

/** Lets a second pass. */
async function second(clock: { pass(seconds: number): void }): Promise<void> {
  for (let parts = 0; parts < 4; parts++) {
    clock.pass(0.25);
    await turn();
  }
}

const runs = () => Promise.resolve(undefined);

Deno.test("a guest lives that takes a connection", async () => {
  using _clock = fakeClock();
  const state = ask(runs);
  state.takes();
  await turn();
  assertEquals(state.isAlive, true);
});

Deno.test("a guest is dead that takes none in a second", async () => {
  using clock = fakeClock();
  const state = ask(runs);
  clock.pass(0.9);
  await turn();
  assertEquals(state.isAlive, undefined);
  await second(clock);
  assertEquals(state.isAlive, false);
});

Deno.test("a guest has time while its hypervisor is stopped", async () => {
  using clock = fakeClock();
  const goesOn = Promise.withResolvers<undefined>();
  const state = ask(() => goesOn.promise);
  for (let n = 0; n < 10; n++) await second(clock);
  assertEquals(state.isAlive, undefined);
  goesOn.resolve(undefined);
  await turn();
  assertEquals(state.isAlive, undefined);
  state.takes();
  await turn();
  assertEquals(state.isAlive, true);
});

Deno.test("a guest has time while it is paused", async () => {
  using clock = fakeClock();
  let state = "Paused" as string | undefined;
  const asked = ask(() => Promise.resolve(state));
  for (let n = 0; n < 10; n++) await second(clock);
  assertEquals(asked.isAlive, undefined);
  state = undefined;
  await second(clock);
  assertEquals(asked.isAlive, false);
});

Deno.test("a guest is dead whose hypervisor can't be asked", async () => {
  using clock = fakeClock();
  const state = ask(() => Promise.reject(new Error("it is closed")));
  await second(clock);
  assertEquals(state.isAlive, false);
});
