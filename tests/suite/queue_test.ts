import { assert, assertEquals } from "@std/assert";
import type { Needs } from "../../src/suite/needs.ts";
import { Queue } from "../../src/suite/queue.ts";

const limits = { memory: 100, cores: 4, workers: 4 };
const needs = (memory: number, duration?: number, cores = 1): Needs => ({
  memory,
  declared: memory,
  cores,
  duration,
});

Deno.test("the longest test begins first, and before it those of which nothing is known", () => {
  const queue = new Queue<string>(limits);
  queue.add("short", needs(1, 1));
  queue.add("new", needs(1));
  queue.add("long", needs(1, 9));
  queue.add("as long", needs(1, 9));
  assertEquals([1, 2, 3, 4].map(() => queue.begin()), [
    "new",
    "long",
    "as long",
    "short",
  ]);
});

Deno.test("running tests never exceed the limits together", () => {
  for (
    const [one, count] of [[needs(40, 1), 2], [needs(1, 1, 2), 2]] as const
  ) {
    const queue = new Queue<number>(limits);
    for (let i = 0; i < 5; i++) queue.add(i, one);
    let running = 0;
    while (queue.begin() !== undefined) running++;
    assertEquals(running, count);
    assertEquals(queue.length, 5 - count);
    queue.end(0);
    assertEquals(queue.begin(), count);
  }
  const queue = new Queue<number>(limits);
  for (let i = 0; i < 9; i++) queue.add(i, needs(1, 1));
  let running = 0;
  while (queue.begin() !== undefined) running++;
  assertEquals(running, 4, "as many as there are workers");
});

Deno.test("smaller tests pass one that waits for room, but not forever", () => {
  const queue = new Queue<string>({ ...limits, workers: 2 });
  queue.add("first", needs(60, 100));
  assertEquals(queue.begin(), "first");
  queue.add("large", needs(80, 50));
  for (let i = 0; i < 20; i++) queue.add(`small ${i}`, needs(10, 1));
  let passed = 0;
  for (;;) {
    const next = queue.begin();
    if (next === undefined) break;
    assert(next !== "large");
    passed++;
    queue.end(next);
  }
  assertEquals(passed, 4);
  queue.end("first");
  assertEquals(queue.begin(), "large");
});

Deno.test("a test that takes all processors, or more, runs alone", () => {
  const queue = new Queue<string>(limits);
  queue.add("wide", needs(1, 9, 64));
  queue.add("other", needs(1, 1));
  assertEquals(queue.begin(), "wide");
  assertEquals(queue.begin(), undefined);
  queue.end("wide");
  assertEquals(queue.begin(), "other");
});

Deno.test("memory that another suite on the host has taken is not available", () => {
  let available = 50;
  const queue = new Queue<string>({ ...limits, available: () => available });
  queue.add("a", needs(60, 3));
  queue.add("b", needs(30, 2));
  queue.add("c", needs(15, 1));
  // Where nothing runs, nobody would ever ask again.
  assertEquals(queue.begin(), "a");
  available = 20;
  assertEquals(queue.begin(), "c");
  assertEquals(queue.begin(), undefined);
  available = 40;
  assertEquals(queue.begin(), undefined, "that is more than the limit");
  queue.end("a");
  assertEquals(queue.begin(), "b");
});

Deno.test("items that have not begun can be removed", () => {
  const queue = new Queue<string>(limits);
  for (const name of ["a", "b"]) queue.add(name, needs(1, 1));
  assertEquals(queue.begin(), "a");
  assertEquals(queue.clear(), ["b"]);
  assertEquals([queue.length, queue.begin()], [0, undefined]);
  assertEquals(queue.memory, 1);
  queue.end("a");
  queue.end("a");
  assertEquals(queue.memory, 0);
});
