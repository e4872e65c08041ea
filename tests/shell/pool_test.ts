/** Which way each command takes, over ports in memory. */
import { assertEquals, assertRejects } from "@std/assert";
import { ShellLost } from "../../src/shell/errors.ts";
import { Job, type RunOptions } from "../../src/shell/job.ts";
import { fakeClock } from "./fake_clock.ts";
import { manyPorts, unwatched } from "./many_ports.ts";

Deno.test("two ports are readied before anybody asks", () => {
  using made = manyPorts(3);
  made.pool.warm();
  assertEquals(made.thatAre("readying"), ["vw.0", "vw.1"]);
});

Deno.test("a command takes a port that is ready", async () => {
  using made = manyPorts(2);
  made.pool.warm();
  await made.ready(1);
  made.pool.run(new Job("one", {}));
  assertEquals(await made.sent(1), ["one"]);
});

Deno.test("commands wait for ports that become ready, in their order", async () => {
  using made = manyPorts(2);
  made.pool.warm();
  for (const command of ["one", "two"]) made.pool.run(new Job(command, {}));
  await made.ready(1);
  await made.ready(0);
  assertEquals([await made.sent(1), await made.sent(0)], [["one"], ["two"]]);
  assertEquals(await made.overConsole(), []);
});

Deno.test("a command starts a server for one more port if it has none to wait for", async () => {
  using made = manyPorts(3);
  made.pool.warm();
  for (const command of ["one", "two", "three"]) {
    made.pool.run(new Job(command, {}));
  }
  assertEquals(made.thatAre("readying"), ["vw.0", "vw.1", "vw.2"]);
  await made.ready(2);
  assertEquals(await made.sent(2), ["one"]);
});

Deno.test("a command does not overtake waiting ones", async () => {
  using made = manyPorts(2);
  made.pool.warm();
  for (const command of ["one", "two", "three"]) {
    made.pool.run(new Job(command, {}));
  }
  await made.ready(0);
  made.pool.run(new Job("four", {}));
  await made.ready(1);
  assertEquals([await made.sent(0), await made.sent(1)], [["one"], ["two"]]);
});

Deno.test("a command never waits for the end of another", async () => {
  using made = manyPorts(1);
  made.pool.warm();
  await made.ready(0);
  made.pool.run(new Job("one", {}));
  made.pool.run(new Job("two", {}));
  assertEquals((await made.overConsole()).length, 1);
});

Deno.test("the console gets a command once the shell has taken the one before", async () => {
  using made = manyPorts(0);
  for (const command of ["one", "two", "three"]) {
    made.pool.run(new Job(command, {}));
  }
  assertEquals(await made.overConsole(), ["c0"]);
  made.consoleWay.taken("c0");
  assertEquals(await made.overConsole(), ["c0", "c1"]);
  // It was taken before, and nothing is due for that.
  made.consoleWay.taken("c0");
  assertEquals((await made.overConsole()).length, 2);
});

/** A command with stdin, which ends when a test says so. */
function withStdin(command: string, options: RunOptions = {}) {
  const given = Promise.withResolvers<void>();
  // deno-lint-ignore require-yield
  const stdin = (async function* () {
    await given.promise;
  })();
  return { job: new Job(command, { ...options, stdin }), given };
}

Deno.test("so does a command with stdin, and others pass it while that is read", async () => {
  using made = manyPorts(0);
  const { job, given } = withStdin("one");
  made.pool.run(job);
  for (const command of ["two", "three"]) made.pool.run(new Job(command, {}));
  assertEquals(await made.overConsole(), ["c1"]);
  given.resolve();
  assertEquals(await made.overConsole(), ["c1"]);
  made.consoleWay.taken("c1");
  assertEquals(await made.overConsole(), ["c1", "c0"]);
  made.consoleWay.taken("c0");
  assertEquals(await made.overConsole(), ["c1", "c0", "c2"]);
});

Deno.test("a command with stdin that nobody waits for any more lets others have its turn", async () => {
  using made = manyPorts(0);
  const controller = new AbortController();
  const { job, given } = withStdin("one", { signal: controller.signal });
  made.pool.run(unwatched(job));
  for (const command of ["two", "three"]) made.pool.run(new Job(command, {}));
  given.resolve();
  assertEquals(await made.overConsole(), ["c1"]);
  controller.abort(new Error("enough"));
  made.consoleWay.taken("c1");
  assertEquals(await made.overConsole(), ["c1", "c2"]);
});

Deno.test("a command of which the guest says anything else was taken", async () => {
  using made = manyPorts(0);
  const { consoleWay } = made;
  for (const command of ["one", "two", "three", "four"]) {
    made.pool.run(new Job(command, {}));
  }
  const bytes = new Uint8Array(1);
  consoleWay.output({ verb: "output", job: "c0", stream: "stdout", bytes });
  assertEquals((await made.overConsole()).length, 2);
  consoleWay.ended("c1");
  assertEquals((await made.overConsole()).length, 3);
  consoleWay.done({ verb: "done", job: "c2", status: 0 });
  assertEquals((await made.overConsole()).length, 4);
});

Deno.test("a command that waits for the console takes a port that is ready before", async () => {
  using made = manyPorts(1);
  made.pool.warm();
  await made.ready(0);
  for (const command of ["one", "two", "three"]) {
    made.pool.run(new Job(command, {}));
  }
  assertEquals((await made.overConsole()).length, 1);
  await made.say(0, "0");
  await made.say(0, "rdy0000001");
  assertEquals(await made.sent(0), ["one", "three"]);
  assertEquals((await made.overConsole()).length, 1);
});

Deno.test("a command that waits for the console fails when the shell is lost", async () => {
  using made = manyPorts(0);
  const jobs = ["one", "two"].map((command) => new Job(command, {}));
  for (const job of jobs) made.pool.run(job);
  const error = new ShellLost("web was reset");
  made.consoleWay.lose(error);
  made.pool.lose(error);
  for (const { done } of jobs) {
    await assertRejects(() => done, ShellLost, "web was reset");
  }
  // The next shell has nothing to take.
  made.pool.run(new Job("three", {}));
  assertEquals((await made.overConsole()).length, 2);
});

Deno.test("a command whose port can't be opened takes the console", async () => {
  using made = manyPorts(1);
  made.pool.warm();
  made.pool.run(new Job("one", {}));
  made.ports[0].lost();
  assertEquals((await made.overConsole()).length, 1);
});

Deno.test("a command that waits ends with its signal, and is not run later", async () => {
  using made = manyPorts(1);
  made.pool.warm();
  const controller = new AbortController();
  const job = new Job("one", { signal: controller.signal });
  made.pool.run(job);
  made.pool.run(new Job("two", {}));
  controller.abort(new Error("enough"));
  await assertRejects(() => job.done, Error, "enough");
  await made.ready(0);
  assertEquals(await made.sent(0), ["two"]);
});

Deno.test("a signal ends a wait once only", async () => {
  using made = manyPorts(1);
  made.pool.warm();
  const controller = new AbortController();
  const job = unwatched(new Job("one", { signal: controller.signal }));
  made.pool.run(job);
  await made.ready(0);
  controller.abort(new Error("enough"));
  assertEquals((await made.asked()).at(-1), "vw_signal 0 TERM");
  await made.say(0, "143");
});

Deno.test("a command whose port never becomes ready ends after its time, and is not run later", async () => {
  using clock = fakeClock();
  using made = manyPorts(1);
  made.pool.warm();
  const job = new Job("one", { timeout: 2 });
  made.pool.run(job);
  made.pool.run(new Job("two", {}));
  clock.pass(8);
  const { status, timedOut } = await job.done;
  assertEquals([status, timedOut], [124, true]);
  await made.ready(0);
  assertEquals(await made.sent(0), ["two"]);
});

Deno.test("the time of a command begins when its port is ready", async () => {
  using clock = fakeClock();
  using made = manyPorts(1);
  made.pool.warm();
  made.pool.run(new Job("one", { timeout: 2 }));
  clock.pass(7.5);
  await made.ready(0);
  assertEquals(await made.sent(0), ["one"]);
  clock.pass(1.9);
  assertEquals(await made.asked(), ["vw_start vw.0 0"]);
  clock.pass(0.2);
  assertEquals((await made.asked()).at(-1), "vw_signal 0 TERM");
});

Deno.test("a command that waits fails when the shell is lost", async () => {
  using made = manyPorts(1);
  made.pool.warm();
  const job = new Job("one", {});
  made.pool.run(job);
  made.pool.lose(new ShellLost("web was reset"));
  await assertRejects(() => job.done, ShellLost, "web was reset");
});

Deno.test("a command with separate stderr takes a port for that", async () => {
  using made = manyPorts(2, 1);
  made.pool.warm();
  await made.ready(0);
  await made.ready(1);
  made.pool.run(new Job("one", { stderr: "separate" }));
  assertEquals(made.stderrPorts[0].is, "busy");
  // There is no other.
  made.pool.run(new Job("two", { stderr: "separate" }));
  made.pool.run(new Job("three", { stderr: "separate" }));
  assertEquals((await made.overConsole()).length, 1);
  made.consoleWay.taken((await made.overConsole())[0]);
  assertEquals((await made.overConsole()).length, 2);
  assertEquals(made.thatAre("ready"), ["vw.1"]);
});

Deno.test("ports that children hold are tried once a second, each in its turn", async () => {
  using clock = fakeClock();
  using made = manyPorts(2);
  made.pool.warm();
  for (const port of made.ports) port.lost();
  made.pool.run(new Job("one", {}));
  assertEquals(made.thatAre("readying"), ["vw.0"]);
  made.ports[0].lost();
  made.pool.run(new Job("two", {}));
  assertEquals(made.thatAre("readying"), []);
  made.consoleWay.taken((await made.overConsole())[0]);
  assertEquals((await made.overConsole()).length, 2);
  clock.pass(1.1);
  made.pool.run(new Job("three", {}));
  assertEquals(made.thatAre("readying"), ["vw.1"]);
});

Deno.test("a command that opens stdout by its name takes a port with a pipe", async () => {
  using made = manyPorts(6);
  made.pool.warm();
  await made.ready(0);
  made.pool.run(new Job("echo one >/dev/stdout", {}));
  assertEquals(made.ports[2].outlet, "pipe");
  await made.ready(2);
  assertEquals(await made.sent(2), ["echo one >/dev/stdout"]);
  // There is one such port of six, and a command waits for no other's end.
  made.pool.run(new Job("tee /dev/stdout", {}));
  assertEquals((await made.overConsole()).length, 1);
  // A merged stderr is stdout.
  await made.say(2, "0");
  made.pool.run(new Job("tee /dev/stderr", { stderr: "merge" }));
  await made.say(2, "rdy0000005");
  assertEquals((await made.sent(2)).at(-1), "tee /dev/stderr");
});

Deno.test("other commands take a port with a pipe if no other will be ready", async () => {
  using made = manyPorts(6);
  made.pool.warm();
  for (const at of [0, 1]) await made.ready(at);
  for (const command of ["one", "two", "three", "four", "five"]) {
    made.pool.run(new Job(command, {}));
  }
  const outlets = () => made.ports.map(({ outlet }) => outlet);
  assertEquals(outlets(), [...Array(5).fill("port"), undefined]);
  // They wait as long as any of these readies.
  made.pool.run(new Job("six", {}));
  made.pool.run(new Job("seven", {}));
  for (const at of [2, 3, 4]) await made.ready(at);
  assertEquals(await made.sent(4), ["five"]);
  assertEquals(outlets(), [...Array(5).fill("port"), "pipe"]);
  await made.ready(5);
  assertEquals(await made.sent(5), ["six"]);
  assertEquals((await made.overConsole()).length, 1);
});

Deno.test("a command prefers a port without a pipe that will be ready", async () => {
  using made = manyPorts(6);
  made.pool.warm();
  made.pool.run(unwatched(new Job("tee /dev/stdout", {})));
  made.pool.run(new Job("one", {}));
  await made.ready(2);
  await made.say(2, "0");
  await made.say(2, "rdy0000005");
  assertEquals(await made.sent(2), ["tee /dev/stdout"]);
  await made.ready(0);
  assertEquals(await made.sent(0), ["one"]);
});

Deno.test("if children hold half of the ports, the rest is for pipes", async () => {
  using made = manyPorts(8);
  made.pool.warm();
  for (const at of [0, 1]) made.ports[at].lost();
  made.pool.warm();
  for (const at of [2, 3]) made.ports[at].lost();
  assertEquals(made.thatAre("held").length, 4);
  for (let n = 0; n < 4; n++) made.pool.run(new Job("more", {}));
  // All wait for the one that is tried.
  assertEquals(made.thatAre("readying"), ["vw.0"]);
  made.ports[0].lost();
  for (const at of [4, 5, 6, 7]) {
    if (made.ports[at].is === "readying") await made.ready(at);
  }
  assertEquals(made.ports.slice(4).map(({ outlet }) => outlet), [
    "pipe",
    "pipe",
    "pipe",
    "pipe",
  ]);
  assertEquals(made.thatAre("busy"), ["vw.4", "vw.5", "vw.6", "vw.7"]);
});
