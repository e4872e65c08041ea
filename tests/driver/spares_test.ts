import { assertEquals } from "@std/assert";
import { ForkBudget } from "../../src/driver/fork_budget.ts";
import { type Spare, Spares } from "../../src/driver/spares.ts";

/** A spare that is made when the test says so. */
class Made implements Spare {
  readonly #made = Promise.withResolvers<boolean>();
  isEnded = false;
  isHurried = false;

  get made(): Promise<boolean> {
    return this.#made.promise;
  }

  finish(isMade = true): void {
    this.#made.resolve(isMade);
  }

  hurry(): void {
    this.isHurried = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.isEnded = true;
    this.finish(false);
    return Promise.resolve();
  }
}

/** Spares of 10 bytes each, and all that were begun. */
function spares(
  budget: ForkBudget,
  canMake: (begun: number, waiting: number) => boolean,
) {
  const begun: Made[] = [];
  const make = () => {
    const made = new Made();
    begun.push(made);
    return made;
  };
  return { begun, spares: new Spares({ budget, memory: 10, canMake, make }) };
}

const always = () => true;

Deno.test("two spares are there, and the oldest is taken", async () => {
  const made = spares(new ForkBudget({ forks: 9, memory: 100 }), always);
  made.spares.replenish();
  made.spares.replenish();
  assertEquals(made.begun.length, 2);
  const taking = made.spares.take();
  made.begun[1].finish();
  made.begun[0].finish();
  assertEquals((await taking)?.spare, made.begun[0]);
  made.spares.replenish();
  assertEquals(made.begun.length, 3);
});

Deno.test("no more spares are made than are wanted beside those that wait", async () => {
  const made = spares(
    new ForkBudget({ forks: 9, memory: 100 }),
    (_begun, waiting) => waiting === 0,
  );
  made.spares.replenish();
  made.begun[0].finish();
  await made.begun[0].made;
  made.spares.replenish();
  assertEquals(made.begun.length, 1);
  await made.spares.take();
  assertEquals(made.begun.length, 2);
});

Deno.test("a spare that somebody waits for hurries", async () => {
  const made = spares(new ForkBudget({ forks: 9, memory: 100 }), always);
  made.spares.replenish();
  const taking = made.spares.take();
  assertEquals(made.begun.map(({ isHurried }) => isHurried), [
    true,
    false,
    false,
  ]);
  made.begun[0].finish();
  await taking;
});

Deno.test("the next spare is begun while somebody waits for the oldest", async () => {
  let isIdle = true;
  const made = spares(
    new ForkBudget({ forks: 9, memory: 100 }),
    (begun) => isIdle && begun < 1,
  );
  made.spares.replenish();
  const taking = made.spares.take();
  assertEquals(made.begun.length, 2);
  isIdle = false;
  made.begun[0].finish();
  assertEquals((await taking)?.spare, made.begun[0]);
  assertEquals(made.begun.length, 2);
});

Deno.test("when a spare is made, the next one is begun if the host has time", async () => {
  const made = spares(
    new ForkBudget({ forks: 9, memory: 100 }),
    (begun) => begun < 1,
  );
  made.spares.replenish();
  assertEquals(made.begun.length, 1);
  made.begun[0].finish();
  await made.begun[0].made;
  assertEquals(made.begun.length, 2);
  // There are two now.
  made.begun[1].finish();
  await made.begun[1].made;
  assertEquals(made.begun.length, 2);
});

Deno.test("no spare is made if the host has no time or no room", async () => {
  const asked: number[] = [];
  const made = spares(new ForkBudget({ forks: 9, memory: 100 }), (begun) => {
    asked.push(begun);
    return begun < 1;
  });
  made.spares.replenish();
  assertEquals(asked, [0, 1]);
  assertEquals(made.begun.length, 1);
  const full = spares(new ForkBudget({ forks: 9, memory: 15 }), always);
  full.spares.replenish();
  assertEquals(full.begun.length, 1);
  assertEquals(await spares(new ForkBudget(), always).spares.take(), undefined);
});

Deno.test("the room of a spare is that of the fork which it becomes", async () => {
  const budget = new ForkBudget({ forks: 9, memory: 10 });
  const { begun, spares: all } = spares(budget, always);
  all.replenish();
  begun[0].finish();
  const taken = await all.take();
  const next = budget.take(10);
  // It is in use now, and no longer gives way.
  assertEquals(begun[0].isEnded, false);
  taken!.room[Symbol.dispose]();
  await next;
});

Deno.test("spares give way to forks that wait", async () => {
  const budget = new ForkBudget({ forks: 9, memory: 20 });
  const { begun, spares: all } = spares(budget, always);
  all.replenish();
  begun[0].finish();
  await budget.take(15);
  assertEquals(begun.map(({ isEnded }) => isEnded), [true, true]);
});

Deno.test("a spare that could not be made is not tried again", async () => {
  const { begun, spares: all } = spares(
    new ForkBudget({ forks: 1, memory: 10 }),
    always,
  );
  all.replenish();
  const taking = all.take();
  begun[0].finish(false);
  assertEquals(await taking, undefined);
  assertEquals(begun[0].isEnded, true);
  all.replenish();
  assertEquals(begun.length, 1);
});

Deno.test("spares that nobody has taken end with the snapshot", async () => {
  const budget = new ForkBudget({ forks: 9, memory: 20 });
  const { begun, spares: all } = spares(budget, always);
  all.replenish();
  await all[Symbol.asyncDispose]();
  assertEquals(begun.map(({ isEnded }) => isEnded), [true, true]);
  await budget.take(20);
  all.replenish();
  assertEquals(begun.length, 2);
});
