import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Fates } from "../../../src/machine/links/fate.ts";
import { random } from "../../../src/machine/links/random.ts";
import {
  impairments,
  type LinkSettings,
} from "../../../src/machine/links/settings.ts";

const FRAMES = 10_000;

function fates(settings: LinkSettings, seed = "seed"): Fates {
  return new Fates(impairments(settings).send!, random(seed));
}

/** Within four standard deviations: by chance, one seed in 16,000 is not. */
function assertShare(count: number, share: number): void {
  const deviation = Math.sqrt(FRAMES * share * (1 - share));
  assertAlmostEquals(count, FRAMES * share, 4 * deviation);
}

Deno.test("each fraction of frames is right within its confidence interval", () => {
  for (const share of [0.001, 0.01, 0.2, 0.5]) {
    const made = fates({
      loss: share,
      duplicate: share,
      reorder: share,
      corrupt: share,
    });
    const seen = { lost: 0, double: 0, late: 0, turned: 0 };
    for (let n = 0; n < FRAMES; n++) {
      const fate = made.next(n, 100);
      if (fate.isLost) seen.lost++;
      if (fate.isDouble) seen.double++;
      if (fate.isHeldBack) seen.late++;
      if (fate.turnedBit >= 0) seen.turned++;
      assert(fate.turnedBit < 800);
    }
    for (const count of Object.values(seen)) assertShare(count, share);
  }
});

Deno.test("a fraction of 1 is all, and one of 0 is none", () => {
  const all = fates({ loss: 1 });
  const none = fates({ delay: 1 });
  for (let n = 0; n < 1000; n++) {
    assert(all.next(n, 100).isLost);
    const fate = none.next(n, 100);
    assert(!fate.isLost && !fate.isDouble && fate.turnedBit < 0);
  }
});

Deno.test("one seed decides the same, another something else", () => {
  const settings = { loss: 0.5, jitter: 0.01, corrupt: 0.1 };
  const drawn = (seed: string) => {
    const made = fates(settings, seed);
    return Array.from({ length: 100 }, (_, n) => ({ ...made.next(n, 60) }));
  };
  assertEquals(drawn("one"), drawn("one"));
  assert(JSON.stringify(drawn("one")) !== JSON.stringify(drawn("two")));
});

Deno.test("frames are late by the delay, and by no more than the jitter", () => {
  const made = fates({ delay: 0.05, jitter: 0.02 });
  const late: number[] = [];
  for (let n = 0; n < 1000; n++) {
    // So far apart that none waits for the one before it.
    const now = n * 100;
    late.push(made.next(now, 100).due - now);
  }
  assert(Math.min(...late) >= 30 && Math.max(...late) <= 70);
  assert(Math.max(...late) - Math.min(...late) > 30);
  const mean = late.reduce((sum, one) => sum + one) / late.length;
  assertAlmostEquals(mean, 50, 2);
});

Deno.test("jitter keeps the order of frames, and reorder does not", () => {
  const overtaken = (settings: LinkSettings) => {
    const made = fates(settings);
    const due = Array.from({ length: 1000 }, (_, n) => made.next(n, 100).due);
    return due.filter((time, n) => n > 0 && time < due[n - 1]).length;
  };
  assertEquals(overtaken({ delay: 0.05, jitter: 0.05 }), 0);
  assert(overtaken({ delay: 0.05, reorder: 0.1 }) > 50);
});

Deno.test("a bandwidth spaces frames out, and drops what would wait too long", () => {
  // A frame of 1250 bytes takes 10 ms.
  const made = fates({ bandwidth: 1e6 });
  const due: number[] = [];
  let dropped = 0;
  for (let n = 0; n < 200; n++) {
    const fate = made.next(0, 1250);
    if (fate.isDropped) dropped++;
    else due.push(fate.due);
  }
  assertEquals(due.slice(0, 3), [10, 20, 30]);
  assertEquals(due.at(-1), 1010);
  assertEquals(dropped, 200 - 101);
  // A frame that is slow by itself passes.
  assert(!fates({ bandwidth: 100 }).next(0, 1250).isDropped);
});
