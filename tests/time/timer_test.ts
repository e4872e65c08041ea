import { assert, assertEquals, assertRejects } from "@std/assert";
import { after, delay, within } from "../../src/time/mod.ts";
import { standStill } from "./stand_still.ts";

Deno.test("a timer of weeks, or without an end, does not fire at once", async () => {
  const called: number[] = [];
  const cancels = [Infinity, 2 ** 31 / 1000, 30 * 24 * 3600].map((seconds) =>
    after(seconds, () => called.push(seconds))
  );
  await new Promise<void>((resolve) => after(0.01, resolve));
  for (const cancel of cancels) cancel();
  assertEquals(called, []);
});

Deno.test("a cancelled timer does not fire", async () => {
  let called = false;
  after(0.001, () => called = true)();
  await delay(0.01);
  assert(!called);
});

Deno.test("a delay ends early with its signal's reason", async () => {
  const controller = new AbortController();
  const waiting = delay(Infinity, controller.signal);
  controller.abort(new Error("enough"));
  await assertRejects(() => waiting, Error, "enough");
  await assertRejects(() => delay(1000, controller.signal), Error, "enough");
});

Deno.test("a limit that passes while the process stands still waits for what came meanwhile", async () => {
  const answer = async () => {
    for (let read = 0; read < 5; read++) await Deno.stat("/");
    return "answer";
  };
  const answered = within(0.5, answer());
  standStill(1);
  assertEquals(await answered, "answer");
});

Deno.test("a process that stands still again and again has timers", async () => {
  let called = false;
  const cancel = after(0.01, () => called = true);
  for (let times = 0; times < 20 && !called; times++) {
    standStill(0.1);
    await new Promise((resolve) => setTimeout(resolve));
  }
  cancel();
  assert(called);
});

Deno.test("a limit takes no more than twice its time, however long the process stood still", async () => {
  const short = delay(0.01).then(() => "short");
  standStill(1);
  const long = new Promise((resolve) => setTimeout(() => resolve("long"), 500));
  assertEquals(await Promise.race([long, short]), "short");
  await long;
});

Deno.test("a timer that gets more time can be cancelled", async () => {
  let called = false;
  const cancel = after(0.1, () => called = true);
  standStill(0.3);
  // The timer has found that it is late.
  await new Promise((resolve) => setTimeout(resolve));
  cancel();
  await delay(0.15);
  assert(!called);
});
