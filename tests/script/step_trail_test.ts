import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Log } from "../../src/report/mod.ts";
import { StepTrail } from "../../src/script/step_trail.ts";

function logged() {
  const trail = new StepTrail();
  return { trail, log: new Log([trail]) };
}

Deno.test("the trail has the steps that an error ended, innermost first", async () => {
  const { trail, log } = logged();
  const error = new Error("x");
  await log.nested(
    "run the VM test script",
    () =>
      log.subtest("one", () =>
        log.nested("must succeed: false\nmore", () => {
          throw error;
        }, { machine: "web" })),
    {},
    "script",
  ).catch(() => {});
  const [inner, outer, ...rest] = trail.of(error);
  assertMatch(
    inner,
    /^web: must succeed: false … \(failed after \d\.\d\d seconds\)$/,
  );
  assertMatch(outer, /^subtest one \(failed/);
  assertEquals(rest, []);
});

Deno.test("an error that ended no step comes with those under way", () => {
  const { trail, log } = logged();
  log.begin("waiting for a file", { machine: "web" });
  assertMatch(
    trail.of(new Error("timeout"))[0],
    /^web: waiting for a file \(since \d\.\d\d seconds\)$/,
  );
});

Deno.test("a step under way has the time that it has taken, even if nothing has happened since", () => {
  const trail = new StepTrail();
  const log = new Log([trail]);
  const step = log.begin("waiting for a file");
  const until = performance.now() + 250;
  while (performance.now() < until);
  const seconds = /\(since (.*) seconds\)/.exec(trail.of(new Error("x"))[0])!;
  assertEquals(Number(seconds[1]) >= 0.25, true);
  log.end(step);
});

Deno.test("an earlier error, since caught, has nothing to do with it", async () => {
  const { trail, log } = logged();
  await log.nested("a", () => Promise.reject(new Error("1"))).catch(() => {});
  assertEquals(trail.of(new Error("2")), []);
});

Deno.test("unfinished steps are the outermost under way, and where they began", async () => {
  const trail = new StepTrail({ stacks: true });
  const log = new Log([trail]);
  await log.nested("over", () => {});
  const { promise, resolve } = Promise.withResolvers<void>();
  const all = [
    log.subtest("outer", () => log.nested("inner", () => promise)),
    log.nested("start all machines", () => promise, {}, "boot"),
  ];
  const [one, ...more] = trail.unfinished();
  assertEquals([one.what, more], ["subtest outer", []]);
  assertStringIncludes(one.beginning?.stack ?? "", import.meta.url);
  resolve();
  await Promise.all(all);
  assertEquals(trail.unfinished(), []);
});
