import { assert, assertEquals, assertRejects } from "@std/assert";
import { after, delay } from "../../src/time/mod.ts";

Deno.test("a timer of weeks, or of no end, does not fire at once", async () => {
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
