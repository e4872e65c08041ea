import { assertEquals, assertRejects } from "@std/assert";
import { ForkBudget } from "../../src/driver/fork_budget.ts";

/** Asks for room, and tells when it was given. */
function ask(budget: ForkBudget, memory: number, signal?: AbortSignal) {
  const asked = { room: undefined as Disposable | undefined };
  budget.take(memory, signal).then((room) => asked.room = room, () => {});
  return asked;
}

/** Lets promises that are settled go on. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("forks wait for each other's memory, in their order", async () => {
  const budget = new ForkBudget({ memory: 100, forks: 9 });
  const [first, second, large, small] = [60, 40, 70, 10].map((memory) =>
    ask(budget, memory)
  );
  await turn();
  assertEquals([!!first.room, !!second.room, !!large.room, !!small.room], [
    true,
    true,
    false,
    false,
  ]);
  second.room![Symbol.dispose]();
  second.room![Symbol.dispose]();
  await turn();
  // The small one would fit in, and would keep the large one waiting.
  assertEquals([!!large.room, !!small.room], [false, false]);
  first.room![Symbol.dispose]();
  await turn();
  assertEquals([!!large.room, !!small.room], [true, true]);
});

Deno.test("a fork that never fits in has the budget alone", async () => {
  const budget = new ForkBudget({ memory: 100, forks: 9 });
  const huge = ask(budget, 500);
  const other = ask(budget, 1);
  await turn();
  assertEquals([!!huge.room, !!other.room], [true, false]);
  huge.room![Symbol.dispose]();
  await turn();
  assertEquals(!!other.room, true);
});

Deno.test("there are no more forks at a time than the host has processors for", async () => {
  const budget = new ForkBudget({ forks: 1 });
  const one = ask(budget, 0);
  const end = new AbortController();
  const given = budget.take(0, end.signal);
  const last = ask(budget, 0);
  end.abort(new Error("over"));
  await assertRejects(() => given, Error, "over");
  assertEquals(last.room, undefined);
  one.room![Symbol.dispose]();
  await turn();
  assertEquals(!!last.room, true);
});

Deno.test("nothing is lent that a fork waits for, or that is not there", async () => {
  const budget = new ForkBudget({ memory: 100, forks: 2 });
  assertEquals(budget.lend(101, () => {}), undefined);
  const lent = budget.lend(60, () => lent[Symbol.dispose]())!;
  const kept = budget.lend(40, () => kept[Symbol.dispose]())!;
  assertEquals(budget.lend(0, () => {}), undefined);
  kept.keep();
  const asked = ask(budget, 70), last = ask(budget, 10);
  await turn();
  // Kept room is taken until it ends.
  assertEquals([!!asked.room, !!last.room], [false, false]);
  assertEquals(budget.lend(0, () => {}), undefined);
  kept[Symbol.dispose]();
  await turn();
  assertEquals([!!asked.room, !!last.room], [true, true]);
});
