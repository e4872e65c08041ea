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

Deno.test("nothing is worth making after the first fork, which may be the only one", () => {
  const { pace, fork } = forks();
  assertEquals(pace.worth, undefined);
  fork(500);
  assertEquals(pace.worth, undefined);
});

Deno.test("a fork is renewed ahead if the last pause was longer than a fork takes, else only loaded", () => {
  const { pace, fork, wait } = forks();
  fork(500);
  wait(400);
  fork(500);
  assertEquals(pace.worth, "loaded");
  wait(600);
  fork(500);
  assertEquals(pace.worth, "renewed");
  wait(100);
  fork(500);
  assertEquals(pace.worth, "loaded");
});

Deno.test("a fork that was made ahead does not tell how long one takes", () => {
  const { pace, fork, wait } = forks();
  fork(500);
  wait(600);
  fork(50, true);
  wait(100);
  fork(50, true);
  assertEquals(pace.worth, "loaded");
});
