/** Saving waits for what a paused guest has written. */
import { assertEquals, assertRejects } from "@std/assert";
import { untilDrained } from "../../src/backend/drained.ts";
import { MachineError } from "../../src/errors.ts";

/** A clock that the test moves. */
function clock() {
  const own = performance.now;
  let now = 0;
  performance.now = () => now;
  return {
    pass: (seconds: number) => void (now += 1000 * seconds),
    [Symbol.dispose]: () => void (performance.now = own),
  };
}

/** Readers that have read so much at each look, and whether they wait for more. */
function readers(looks: readonly [reads: number, isAwaited: boolean][]) {
  let at = -1;
  const taken = () => {
    const [reads, isAwaited] = looks[Math.min(at, looks.length - 1)];
    return { reads, isAwaited };
  };
  return { taken, next: () => ++at, looks: () => at + 1 };
}

Deno.test("a guest is drained once its readers have found nothing new three times", async () => {
  const made = readers([[1, true], [2, false], [3, true]]);
  await untilDrained({
    name: "web",
    ask: () => Promise.resolve(made.next()),
    taken: made.taken,
  });
  assertEquals(made.looks(), 6);
});

Deno.test("a reader that reads nothing for 30 seconds is told", async () => {
  using time = clock();
  const made = readers([[1, false]]);
  const error = await assertRejects(
    () =>
      untilDrained({
        name: "web",
        ask: () => {
          made.next();
          time.pass(16);
          return Promise.resolve();
        },
        taken: made.taken,
      }),
    MachineError,
  );
  assertEquals(
    error.message,
    "web can't be saved: the driver has read nothing of what it had written " +
      "for 30 seconds",
  );
  assertEquals(made.looks(), 4);
});

Deno.test("a driver that stood still for longer than that looks once more", async (t) => {
  const cases: Record<string, [reads: number, isAwaited: boolean][]> = {
    "and finds that its reader reads": [
      [1, false],
      [1, false],
      [2, false],
      [2, true],
    ],
    "and finds that nothing is left": [[1, true], [1, true]],
  };
  for (const [name, looks] of Object.entries(cases)) {
    await t.step(name, async () => {
      using time = clock();
      const made = readers(looks);
      await untilDrained({
        name: "web",
        ask: () => {
          if (made.next() === 1) time.pass(100);
          return Promise.resolve();
        },
        taken: made.taken,
      });
    });
  }
});
