/** Whether those in the guest live who serve commands, over ports in memory. */
import { assertEquals, assertRejects } from "@std/assert";
import { OutputLost, ServerLost } from "../../src/shell/errors.ts";
import { Job } from "../../src/shell/job.ts";
import { fakeClock } from "./fake_clock.ts";
import { manyPorts, unwatched } from "./many_ports.ts";

/** Two ports, of which the first runs a job. */
async function withBusyPort() {
  const made = manyPorts(2);
  made.pool.warm();
  await made.ready(0);
  const job = unwatched(new Job("long", {}));
  made.pool.run(job);
  const questions = async () =>
    (await made.asked()).filter((line) => line.startsWith("vw_alive"));
  return { ...made, job, questions };
}

Deno.test("the server of a long command is checked every five seconds", async () => {
  using clock = fakeClock();
  using made = await withBusyPort();
  clock.pass(4.9);
  assertEquals(await made.questions(), []);
  clock.pass(0.1);
  assertEquals(await made.questions(), ["vw_alive vw.0"]);
  made.liveness.heard("vw.0");
  clock.pass(5);
  assertEquals((await made.questions()).length, 2);
  assertEquals(made.thatAre("busy"), ["vw.0"]);
});

Deno.test("a question that is not answered is asked again, more and more seldom", async () => {
  using clock = fakeClock();
  using made = await withBusyPort();
  clock.pass(5);
  const counts: number[] = [];
  for (let look = 0; look < 8; look++) {
    clock.pass(5);
    counts.push((await made.questions()).length);
  }
  assertEquals(counts, [2, 3, 3, 4, 4, 4, 4, 5]);
  made.liveness.heard("vw.0");
  clock.pass(10);
  assertEquals((await made.questions()).length, 7);
});

Deno.test("a server is asked about for a command though an earlier one had no answer", async (t) => {
  for (const why of ["a port was closed", "it was time"]) {
    await t.step(`when ${why}`, async () => {
      using clock = fakeClock();
      using made = await withBusyPort();
      for (let look = 0; look < 40; look++) clock.pass(5);
      await made.say(0, "0");
      await made.say(0, "rdy0000007");
      const next = unwatched(new Job("next", {}));
      made.pool.run(next);
      const before = (await made.questions()).length;
      if (why === "it was time") clock.pass(5);
      else made.liveness.closed(made.ports[0]);
      assertEquals((await made.questions()).length, before + 1);
      made.liveness.heard("vw.0", { process: "99", status: 137 });
      await assertRejects(() => next.done, ServerLost);
    });
  }
});

Deno.test("how a job's server on the console ended is asked again", async () => {
  using clock = fakeClock();
  using made = await withJob();
  made.consoleWay.done({ verb: "done", job: "c0" });
  assertEquals((await made.questions()).length, 1);
  clock.pass(5);
  assertEquals(await made.questions(), [
    "vw_alive c0 ended",
    "vw_alive c0 ended",
  ]);
  made.liveness.heard("c0", { process: "99", status: 143 });
  await assertRejects(() => made.job.done, ServerLost, "killed by signal 15");
});

Deno.test("no server is checked when no command runs", async () => {
  using clock = fakeClock();
  using made = await withBusyPort();
  await made.say(0, "0");
  clock.pass(100);
  assertEquals(await made.questions(), []);
});

Deno.test("a command whose server was killed fails", async () => {
  using clock = fakeClock();
  using made = await withBusyPort();
  clock.pass(5);
  made.liveness.heard("vw.0", { process: "99", status: 137 });
  const error = await assertRejects(
    () => made.job.done,
    ServerLost,
    "(process 99, the command's parent) was killed by signal 9",
  );
  assertEquals(error.death.process, "99");
});

Deno.test("a server's death is not that of the next command", async () => {
  using clock = fakeClock();
  using made = await withBusyPort();
  clock.pass(5);
  await made.say(0, "0");
  await made.say(0, "rdy0000007");
  const next = unwatched(new Job("next", {}));
  made.pool.run(next);
  made.liveness.heard("vw.0", { process: "99", status: 137 });
  assertEquals(next.settled, false);
});

/** A job that the console carries. */
async function withJob() {
  const made = manyPorts(0);
  const job = unwatched(new Job("long", {}));
  made.pool.run(job);
  const questions = async () =>
    (await made.asked()).filter((line) => line.includes("vw_alive c0"));
  await made.overConsole();
  return { ...made, job, questions };
}

Deno.test("the server of a long command over the console is checked every five seconds", async () => {
  using clock = fakeClock();
  using made = await withJob();
  clock.pass(5);
  assertEquals((await made.questions()).length, 1);
  made.liveness.heard("c0");
  assertEquals(made.consoleWay.isTaking, false);
  clock.pass(5);
  assertEquals((await made.questions()).length, 2);
  made.consoleWay.done({ verb: "done", job: "c0", status: 0 });
  await made.job.done;
  clock.pass(100);
  assertEquals((await made.questions()).length, 2);
});

Deno.test("a command over the console whose server was killed fails", async () => {
  using clock = fakeClock();
  using made = await withJob();
  clock.pass(5);
  made.liveness.heard("c0", { process: "99", status: 137 });
  await assertRejects(() => made.job.done, ServerLost, "killed by signal 9");
});

Deno.test("a command over the console fails if its end was sent and did not come", async () => {
  using clock = fakeClock();
  using made = await withJob();
  clock.pass(5);
  made.liveness.heard("c0", { process: "99", status: 0 });
  await assertRejects(
    () => made.job.done,
    OutputLost,
    "The guest's console has lost the end of the command",
  );
});

Deno.test("how a command over the console has ended is the answer to the later question", async () => {
  using clock = fakeClock();
  using made = await withJob();
  clock.pass(5);
  made.consoleWay.done({ verb: "done", job: "c0" });
  made.liveness.heard("c0");
  assertEquals(made.job.settled, false);
  made.liveness.heard("c0", { process: "99", status: 143 });
  await assertRejects(() => made.job.done, ServerLost, "killed by signal 15");
});

Deno.test("a shell that does not answer when a busy port was closed is dead after 30 seconds", async () => {
  using clock = fakeClock();
  using made = await withBusyPort();
  made.liveness.closed(made.ports[0]);
  assertEquals(await made.questions(), ["vw_alive vw.0"]);
  clock.pass(29);
  assertEquals(made.losses, []);
  clock.pass(2);
  assertEquals(made.losses, [
    "The guest's shell died in the middle of a command: vw.0 was closed, and " +
    "nothing has answered since",
  ]);
});

Deno.test("a shell that answers late is not dead if the command has ended", async () => {
  using clock = fakeClock();
  using made = await withBusyPort();
  made.liveness.closed(made.ports[0]);
  await made.say(0, "0");
  await made.say(0, "rdy0000007");
  made.pool.run(unwatched(new Job("next", {})));
  clock.pass(100);
  assertEquals(made.thatAre("busy"), ["vw.0"]);
  assertEquals(made.losses, []);
});

Deno.test("a shell that answers is alive", async () => {
  using clock = fakeClock();
  using made = await withBusyPort();
  // It was asked already, and so need not be asked again.
  clock.pass(5);
  made.liveness.closed(made.ports[0]);
  assertEquals((await made.questions()).length, 1);
  made.liveness.heard("vw.0");
  clock.pass(100);
  assertEquals(made.losses, []);
});

Deno.test("a shell that is lost already is not lost again", async () => {
  using clock = fakeClock();
  using made = await withBusyPort();
  made.liveness.closed(made.ports[0]);
  made.liveness.clear();
  clock.pass(100);
  assertEquals(made.losses, []);
});

Deno.test("the host asks how a job's server on the console ended when it was killed", async () => {
  using made = manyPorts(0);
  const errors: ServerLost[] = [];
  made.liveness.killed("c0", (error) => errors.push(error));
  assertEquals(await made.asked(), ["vw_alive c0 ended"]);
  made.liveness.heard("c0", { process: "98", status: 1 });
  assertEquals(errors.map(({ death }) => death.process), ["98"]);
  assertEquals(errors[0].message.includes("ended with status 1"), true);
});
