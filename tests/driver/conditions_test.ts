import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { Conditions, makeCondition } from "../../src/driver/conditions.ts";
import { TestFailure } from "../../src/errors.ts";
import { Log } from "../../src/report/mod.ts";

function conditions(controller = new AbortController()) {
  const all = new Conditions(new Log(), controller.signal);
  return {
    all,
    controller,
    condition: (fn: () => unknown, interval = 0.01, description?: string) =>
      makeCondition(fn, { interval, description }, all),
  };
}

/** An endless action of a machine. */
function endless(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    // As a machine's streams do, it keeps the program from its end.
    const alive = setInterval(() => {}, 1000);
    signal.addEventListener("abort", () => {
      clearInterval(alive);
      reject(signal.reason);
    });
  });
}

Deno.test("a condition is checked before each action of a machine", async () => {
  const { all, condition } = conditions();
  let checks = 0;
  using _kept = condition(() => void checks++).enter();
  assertEquals(await all.watch(() => Promise.resolve(checks)), 1);
});

Deno.test("a condition is checked at its interval, and no more often", async () => {
  const { all, condition } = conditions();
  let checks = 0;
  using _kept = condition(() => void checks++, 1000).enter();
  for (let times = 0; times < 5; times++) {
    await all.watch(() => Promise.resolve());
  }
  assertEquals(checks, 1);
});

Deno.test("a condition is checked while a machine is busy, and ends that when it fails", async () => {
  const { all, condition } = conditions();
  let checks = 0;
  using kept = condition(() => ++checks < 4, 0.01, "less than four").enter();
  const error = await assertRejects(() => all.watch(endless), TestFailure);
  assertEquals(error.message, "Polling condition failed: less than four");
  assertEquals(checks, 4);
  assertEquals(kept.description, "less than four");
});

Deno.test("a failed condition fails all later actions, until it is left", async () => {
  const { all, condition } = conditions();
  const kept = condition(() => false, 1000, "never").enter();
  for (let times = 0; times < 2; times++) {
    await assertRejects(() => all.watch(endless), TestFailure, "never");
  }
  kept.exit();
  await all.watch(() => Promise.resolve());
});

Deno.test("a failed condition that was left does not affect the others", async () => {
  const { all, condition } = conditions();
  using _outer = condition(() => true).enter();
  await condition(() => false, 0.01, "inner").during(() =>
    assertRejects(() => all.watch(endless), TestFailure, "inner")
  );
  await all.watch(() => Promise.resolve());
});

Deno.test("a condition that is entered twice is kept until it is left twice", async () => {
  const { all, condition } = conditions();
  let holds = true;
  const kept = condition(() => holds, 0);
  await kept.during(async () => {
    await kept.during(() => all.watch(() => Promise.resolve()));
    holds = false;
    await assertRejects(
      () => all.watch(() => Promise.resolve()),
      TestFailure,
    );
  });
  await all.watch(() => Promise.resolve());
  // A condition that was never entered can be left.
  kept.exit();
  kept.enter();
  await assertRejects(() => all.watch(() => Promise.resolve()), TestFailure);
  kept.exit();
});

Deno.test("a condition may hold again after it did not", async () => {
  const { all, condition } = conditions();
  let holds = false;
  using _kept = condition(() => holds, 0).enter();
  await assertRejects(() => all.watch(() => Promise.resolve()), TestFailure);
  holds = true;
  assertEquals(await all.watch(() => Promise.resolve("on")), "on");
});

Deno.test("a condition holds after a wait for it, even if it did not before", async () => {
  const { all, condition } = conditions();
  let holds = false;
  using kept = condition(() => holds, 1000).enter();
  await assertRejects(() => all.watch(() => Promise.resolve()), TestFailure);
  holds = true;
  await kept.wait();
  assertEquals(await all.watch(() => Promise.resolve("on")), "on");
});

Deno.test("a condition that throws does not hold, and the failure says why", async () => {
  const { all, condition } = conditions();
  const cause = new Error("no such process");
  using _kept = condition(
    () => {
      throw cause;
    },
    0.01,
    "nginx runs",
  ).enter();
  const error = await assertRejects(() => all.watch(endless), TestFailure);
  assertEquals(
    error.message,
    "Polling condition failed: nginx runs: no such process",
  );
  assertStrictEquals(error.cause, cause);
});

Deno.test("only false says that a condition does not hold", async () => {
  const { condition } = conditions();
  for (const answer of [true, undefined, "", 0, null]) {
    assertEquals(await condition(() => answer).holds(), true);
    assertEquals(await condition(() => Promise.resolve(answer)).holds(), true);
  }
  assertEquals(await condition(() => false).holds(), false);
  assertEquals(await condition(() => Promise.resolve(false)).holds(), false);
});

Deno.test("a check that takes longer than the interval is not begun again meanwhile", async () => {
  const { all, condition } = conditions();
  const slow = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  let checks = 0;
  using kept = condition(async () => {
    if (++checks < 2) return;
    begun.resolve();
    await slow.promise;
    return false;
  }).enter();
  const failed = assertRejects(() => all.watch(endless), TestFailure);
  await begun.promise;
  // Time enough to begin it again and again.
  for (let turns = 0; turns < 10; turns++) {
    await new Promise((turn) => setTimeout(turn, kept.interval * 1000));
  }
  assertEquals(checks, 2);
  slow.resolve();
  await failed;
});

Deno.test("a check's own actions on machines need no conditions", async () => {
  const { all, condition } = conditions();
  using _kept = condition(() => all.watch(() => Promise.resolve(true))).enter();
  assertEquals(await all.watch(() => Promise.resolve("done")), "done");
});

Deno.test("a condition without a description is called by its function's name", () => {
  const { all } = conditions();
  const nginxRuns = () => true;
  assertEquals(
    makeCondition(nginxRuns, {}, all).description,
    "polling condition nginxRuns",
  );
  assertEquals(
    makeCondition(() => true, {}, all).description,
    "polling condition without a name",
  );
  assertEquals(makeCondition(nginxRuns, {}, all).interval, 2);
});

Deno.test("wait() tries at the condition's interval until it holds", async () => {
  const { condition } = conditions();
  let checks = 0;
  await condition(() => ++checks === 3).wait({ timeout: 60 });
  assertEquals(checks, 3);
  // The interval is longer than the wait: it looks at first and at last.
  checks = 0;
  await assertRejects(
    () => condition(() => ++checks < 0, 1000).wait(0.05),
    TestFailure,
    "timed out",
  );
  // A timer may ring a moment too early.
  assert(checks <= 3);
});

Deno.test("the end of the run ends all actions, and later ones too", async () => {
  const { all, condition, controller } = conditions();
  const reason = new Error("the end");
  const ends = [
    all.watch(endless),
    condition(() => false).wait(),
    all.interruptible(endless),
  ].map((promise) => assertRejects(() => promise, Error, "the end"));
  // The wait begins with a turn of the log's.
  await new Promise((turn) => setTimeout(turn));
  controller.abort(reason);
  await Promise.all(ends);
  await assertRejects(
    () => all.watch(() => Promise.resolve()),
    Error,
    "the end",
  );
});
