import { assert, assertEquals, assertRejects } from "@std/assert";
import { Driver, retry } from "../../src/driver/mod.ts";
import { TestFailure, UsageError } from "../../src/errors.ts";
import { Log } from "../../src/report/mod.ts";

Deno.test("retry() calls until the answer is true", async () => {
  let calls = 0;
  await retry(() => ++calls === 3, { interval: 0.001 });
  assertEquals(calls, 3);
  await retry(() => Promise.resolve(++calls === 5), { interval: 0.001 });
  assertEquals(calls, 5);
});

Deno.test("retry() tells the last call that it is the last", async () => {
  const told: boolean[] = [];
  await assertRejects(
    () =>
      retry((last) => {
        told.push(last);
        return false;
      }, { timeout: 0.05, interval: 0.01 }),
    TestFailure,
    "(timeout=0.05)",
  );
  assert(told.length > 1);
  assertEquals(told.lastIndexOf(false), told.length - 2);
  assertEquals(told.at(-1), true);
});

Deno.test("retry() succeeds if the last call does", async () => {
  await retry((last) => last, { timeout: 0.01 });
  await retry((last) => last, 0);
});

Deno.test("retry() does not sleep beyond its timeout", async () => {
  await assertRejects(
    () => retry(() => false, { timeout: 0.05, interval: 1e6 }),
    TestFailure,
  );
});

/** The pauses, in milliseconds, that are asked of the runtime while `fn` runs. */
async function pausesOf(fn: () => Promise<unknown>): Promise<number[]> {
  const { setTimeout } = globalThis;
  const { now } = performance;
  const pauses: number[] = [];
  globalThis.setTimeout = ((then: () => void, pause: number) => {
    pauses.push(Math.round(pause));
    return setTimeout(then, 0);
  }) as typeof setTimeout;
  // No timer is late.
  performance.now = () => 0;
  try {
    await fn();
  } finally {
    globalThis.setTimeout = setTimeout;
    performance.now = now;
  }
  return pauses;
}

Deno.test("retry() tries soon again at first, and then once in a second", async () => {
  let calls = 0;
  const pauses = await pausesOf(() => retry(() => ++calls === 9));
  assertEquals(pauses, [50, 100, 200, 400, 800, 1000, 1000, 1000]);
});

Deno.test("an interval of the author's stays as it is", async () => {
  let calls = 0;
  const pauses = await pausesOf(() =>
    retry(() => ++calls === 5, { interval: 3 })
  );
  assertEquals(pauses, [3000, 3000, 3000, 3000]);
});

Deno.test("retry() may go on forever", async () => {
  let calls = 0;
  await retry(() => ++calls === 3, { timeout: Infinity, interval: 0.001 });
  const controller = new AbortController();
  const trying = retry((last) => last, {
    timeout: 2 ** 31,
    interval: Infinity,
    signal: controller.signal,
  });
  controller.abort(new Error("enough"));
  await assertRejects(() => trying, Error, "enough");
});

Deno.test("retry() ends with its signal's reason", async () => {
  const controller = new AbortController();
  const trying = retry(() => false, {
    interval: 1000,
    signal: controller.signal,
  });
  controller.abort(new Error("enough"));
  await assertRejects(() => trying, Error, "enough");
});

Deno.test("retry() rejects with what its function throws", async () => {
  await assertRejects(
    () => retry(() => Promise.reject(new Error("broken"))),
    Error,
    "broken",
  );
});

Deno.test("retry() refuses a wrong timeout", async () => {
  for (const timeout of [-1, NaN]) {
    await assertRejects(
      () => retry(() => true, { timeout }),
      UsageError,
      `Expected a timeout of zero or more seconds, got ${
        Deno.inspect(timeout)
      }`,
    );
  }
});

Deno.test("retry() may have no limit", async () => {
  let calls = 0;
  await retry(() => ++calls === 3, { timeout: null, interval: 0.001 });
  assertEquals(calls, 3);
});

Deno.test("the signal of retry() ends a call that never returns", async () => {
  const controller = new AbortController();
  const trying = retry(() => new Promise(() => {}), {
    signal: controller.signal,
  });
  controller.abort(new Error("enough"));
  await assertRejects(() => trying, Error, "enough");
});

Deno.test("both the end of the run and a signal of the caller's end driver.retry()", async () => {
  const outDir = await Deno.makeTempDir();
  for (const end of ["run", "caller"]) {
    await using driver = await Driver.create({ outDir, log: new Log() });
    const controller = new AbortController();
    const trying = driver.retry(() => false, {
      signal: controller.signal,
      interval: 1000,
    });
    if (end === "run") driver.abort(new Error("the run is over"));
    else controller.abort(new Error("the caller is done"));
    await assertRejects(() => trying, Error, `the ${end} is`);
  }
  await Deno.remove(outDir, { recursive: true });
});
