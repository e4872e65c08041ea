import { assertEquals } from "@std/assert";
import { ForkPace } from "../../src/driver/fork_pace.ts";

/** Forks on a clock that only the test moves. */
function forks() {
  let now = 0;
  const pace = new ForkPace(() => now);
  return {
    pace,
    wait: (milliseconds: number) => void (now += milliseconds),
    fork(milliseconds: number, wasAhead = false) {
      const end = pace.begin();
      now += milliseconds;
      end(wasAhead);
    },
  };
}

Deno.test("the first fork says nothing of the time between forks", () => {
  const { pace, fork } = forks();
  assertEquals(pace.leavesTime, false);
  fork(500);
  assertEquals(pace.leavesTime, false);
});

Deno.test("a pause leaves time for a fork if it is longer than one takes", () => {
  const { pace, fork, wait } = forks();
  fork(500);
  wait(400);
  fork(500);
  assertEquals(pace.leavesTime, false);
  wait(600);
  fork(500);
  assertEquals(pace.leavesTime, true);
  wait(100);
  fork(500);
  assertEquals(pace.leavesTime, false);
});

Deno.test("a fork that was made ahead does not tell how long one takes", () => {
  const { pace, fork, wait } = forks();
  fork(500);
  wait(600);
  fork(50, true);
  wait(100);
  fork(50, true);
  assertEquals(pace.leavesTime, false);
});
