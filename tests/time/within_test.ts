import { assertEquals, assertRejects } from "@std/assert";
import { rejection, within } from "../../src/time/mod.ts";

Deno.test("within() answers as the promise does, and leaves no timer behind", async () => {
  assertEquals(await within(3600, Promise.resolve(1)), 1);
  await assertRejects(
    () => within(3600, Promise.reject(new Error("no"))),
    Error,
    "no",
  );
});

Deno.test("within() answers undefined when the time has passed", async () => {
  assertEquals(await within(0.01, new Promise(() => {})), undefined);
});

Deno.test("within() waits forever if the time is infinite", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  setTimeout(() => resolve("late"), 20);
  assertEquals(await within(Infinity, promise), "late");
});

Deno.test("rejection() gives the signal's reason, before and after it is aborted", async () => {
  const end = new AbortController();
  const waiting = rejection(end.signal);
  // Where nobody waits, an abortion is no uncaught error.
  rejection(end.signal);
  end.abort(new Error("enough"));
  await assertRejects(() => waiting, Error, "enough");
  await assertRejects(() => rejection(end.signal), Error, "enough");
});
