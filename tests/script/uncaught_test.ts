import { assertEquals, assertRejects } from "@std/assert";
import { Uncaught } from "../../src/script/uncaught.ts";

/** A late error: its message, and whether it is the script's own. */
type Late = [message: string, isOwn: boolean];

function listen(late: Late[]): Uncaught {
  return new Uncaught((error, isOwn) =>
    late.push([(error as Error).message, isOwn])
  );
}

/** Rejects on request, in the flow of the caller. */
function laterFailure(message: string): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  promise.then(() => {
    throw new Error(message);
  });
  return async () => {
    resolve();
    // Unhandled rejections are reported in a turn of the event loop.
    await new Promise((turn) => setTimeout(turn));
    await new Promise((turn) => setTimeout(turn));
  };
}

Deno.test("an uncaught error fails the script that it belongs to", async () => {
  const late: Late[] = [];
  using uncaught = listen(late);
  await uncaught.run(() => laterFailure("own"))();
  await assertRejects(() => uncaught.failure, Error, "own");
  assertEquals(late, []);
});

Deno.test("an error of an earlier script does not fail the one that runs now", async () => {
  const late: Late[] = [];
  let fail: () => Promise<void>;
  {
    using earlier = listen([]);
    fail = earlier.run(() => laterFailure("earlier"));
  }
  using uncaught = listen(late);
  await uncaught.run(() => fail());
  assertEquals(late, [["earlier", false]]);
  const outcome = await Promise.race([
    uncaught.failure.catch(() => "failed"),
    Promise.resolve("goes on"),
  ]);
  assertEquals(outcome, "goes on");
});

Deno.test("an error after the end of the script is reported, and fails nothing", async () => {
  const late: Late[] = [];
  using uncaught = listen(late);
  const fail = uncaught.run(() => laterFailure("late"));
  uncaught.scriptEnded();
  await fail();
  assertEquals(late, [["late", true]]);
});

Deno.test("only the latest listener gets errors", async () => {
  const outer: Late[] = [], inner: Late[] = [];
  using first = listen(outer);
  first.scriptEnded();
  {
    using second = listen(inner);
    second.scriptEnded();
    await second.run(() => laterFailure("inner"))();
  }
  await first.run(() => laterFailure("outer"))();
  assertEquals([outer, inner], [[["outer", true]], [["inner", true]]]);
});

Deno.test("only the latest listener gets errors that a callback throws", async () => {
  const outer: Late[] = [], inner: Late[] = [];
  using first = listen(outer);
  first.scriptEnded();
  {
    using second = listen(inner);
    second.scriptEnded();
    second.run(() =>
      queueMicrotask(() => {
        throw new Error("thrown");
      })
    );
    await new Promise((turn) => setTimeout(turn));
  }
  assertEquals([outer, inner], [[], [["thrown", true]]]);
});
