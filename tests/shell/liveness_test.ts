/** Whether those in the guest live who serve commands, over ports in memory. */
import { assertEquals, assertRejects } from "@std/assert";
import { OutputLost, ServerLost } from "../../src/shell/errors.ts";
import { Job } from "../../src/shell/job.ts";
import { Shell } from "../../src/shell/mod.ts";
import type { ByteStream } from "../../src/stream/mod.ts";
import { type FakeClock, fakeClock } from "./fake_clock.ts";
import { hostBash } from "./host_bash.ts";
import { manyPorts, unwatched } from "./many_ports.ts";
import {
  type ScriptedGuest,
  scriptedGuest,
  type ScriptedPort,
} from "./scripted_guest.ts";

const DEATH = { process: "99", status: 137 };

/** Two ports, of which the first runs a job. */
async function withBusyPort() {
  const made = manyPorts(2);
  made.pool.warm();
  await made.ready(0);
  await made.ready(1);
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
      made.liveness.heard("vw.0", DEATH);
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

/** Two ports whose servers start. */
function withStarts() {
  const made = manyPorts(2);
  made.pool.warm();
  const questions = async () =>
    (await made.asked()).filter((line) => /^vw_alive .* start /.test(line));
  return { ...made, questions };
}

Deno.test("a server that does not say that it has its port is asked about, more and more seldom", async () => {
  using clock = fakeClock();
  using made = withStarts();
  await made.ready(1);
  const counts: number[] = [];
  for (let look = 0; look < 9; look++) {
    clock.pass(5);
    counts.push((await made.questions()).length);
  }
  assertEquals(counts, [0, 1, 2, 2, 3, 3, 3, 3, 4]);
  assertEquals((await made.questions())[0], "vw_alive vw.0 start 0");
  await made.ready(0);
  clock.pass(100);
  assertEquals((await made.questions()).length, 4);
});

Deno.test("no server of an earlier shell is asked about", async () => {
  using clock = fakeClock();
  using made = withStarts();
  clock.pass(5);
  for (const port of made.ports) port.lose(new ServerLost(DEATH));
  made.liveness.clear();
  clock.pass(100);
  assertEquals(await made.questions(), []);
});

Deno.test("no server is checked when no command runs", async () => {
  using clock = fakeClock();
  using made = await withBusyPort();
  await made.say(0, "0");
  await made.say(0, "rdy0000007");
  clock.pass(100);
  assertEquals(await made.questions(), []);
});

Deno.test("the server of a port that is not ready for long is asked about", async (t) => {
  await t.step("after a command", async () => {
    using clock = fakeClock();
    using made = await withBusyPort();
    await made.say(0, "0");
    clock.pass(5);
    assertEquals(await made.questions(), []);
    clock.pass(5);
    assertEquals(await made.questions(), ["vw_alive vw.0"]);
    made.liveness.heard("vw.0", DEATH);
    assertEquals(made.thatAre("idle"), ["vw.0"]);
  });

  await t.step("before the first command", async () => {
    using clock = fakeClock();
    using made = withStarts();
    made.ports[0].opened("0");
    clock.pass(10);
    assertEquals(
      (await made.asked()).filter((line) => line.startsWith("vw_alive")),
      ["vw_alive vw.0", "vw_alive vw.1 start 1"],
    );
    made.liveness.heard("vw.0");
    assertEquals(made.thatAre("readying"), ["vw.0", "vw.1"]);
    clock.pass(5);
    assertEquals(
      (await made.asked()).filter((line) => line === "vw_alive vw.0").length,
      2,
    );
  });

  await t.step("and the answer is not about the next command", async () => {
    using clock = fakeClock();
    using made = await withBusyPort();
    await made.say(0, "0");
    clock.pass(10);
    await made.say(0, "rdy0000007");
    const next = unwatched(new Job("next", {}));
    made.pool.run(next);
    made.liveness.heard("vw.0", DEATH);
    assertEquals([next.settled, made.thatAre("busy")], [false, ["vw.0"]]);
  });
});

Deno.test("a command that waits for a port gets another if its server was killed", async () => {
  using clock = fakeClock();
  using made = manyPorts(2);
  made.pool.warm();
  await made.ready(0);
  await made.ready(1);
  clock.pass(5);
  // The servers of both die with the runners that waited, and nobody is asked.
  await made.say(0, "killed");
  await made.say(1, "killed");
  clock.pass(100);
  assertEquals((await made.asked()).at(-1), "vw_start vw.1 1");
  made.pool.run(unwatched(new Job("next", {})));
  clock.pass(10);
  assertEquals((await made.asked()).slice(-2), [
    "vw_alive vw.0",
    "vw_alive vw.1",
  ]);
  made.liveness.heard("vw.0", DEATH);
  made.liveness.heard("vw.1", DEATH);
  await made.ready(0);
  assertEquals(await made.sent(0), ["next"]);
});

Deno.test("a server that has ended by itself has said its command's status", async (t) => {
  await t.step("while the command ran", async () => {
    using clock = fakeClock();
    using made = await withBusyPort();
    clock.pass(5);
    made.liveness.heard("vw.0", { process: "99", status: 3 });
    assertEquals(made.thatAre("draining"), ["vw.0"]);
    assertEquals((await made.asked()).at(-1), "vw_drain vw.0 3");
  });

  await t.step(
    "and no status where the guest's shell does not know it",
    async () => {
      using clock = fakeClock();
      using made = await withBusyPort();
      clock.pass(5);
      made.liveness.heard("vw.0", { process: "99", status: 127 });
      await assertRejects(() => made.job.done, ServerLost);
    },
  );
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

Deno.test("a start of which the console lost the news", async (t) => {
  /** Both ports start, and the guest is asked about them. */
  async function asked(
    clock: FakeClock,
    guest: ScriptedGuest,
    ports: readonly ScriptedPort[],
  ) {
    const shell = new Shell({
      console: guest.console,
      ports: ports.map((stream, n) => ({ name: `vw.${n}`, stream })),
    });
    await guest.connect(shell, "vw.0", "vw.1");
    clock.pass(10);
    const sent = await guest.heard("vw_alive vw.1 start ");
    const marks = [...sent.matchAll(/vw.\d start (\d+)/g)]
      .map(([, mark]) => mark);
    return { shell, marks };
  }

  await t.step("goes on if its server lives", async () => {
    await using guest = scriptedGuest();
    using clock = fakeClock();
    const ports = [guest.port(), guest.port()];
    const { shell, marks: [mark] } = await asked(clock, guest, ports);
    using _ = shell;
    await guest.answer(`alive vw.0 served 99 ${mark}`);
    assertEquals((await ports[0].heard("\n")).split(" ")[1], `${mark}\n`);
  });

  await t.step("is made again if its server has ended", async () => {
    await using guest = scriptedGuest();
    using clock = fakeClock();
    const ports = [guest.port(), guest.port()];
    const { shell, marks } = await asked(clock, guest, ports);
    using _ = shell;
    const running = shell.run("true");
    running.catch(() => {});
    await guest.answer(
      ...marks.map((mark, n) => `alive vw.${n} 137 99 ${mark}`),
    );
    await guest.heard("vw_start vw.", 3);
  });
});

Deno.test("the guest answers whether the server of a start lives", async () => {
  await using console = hostBash();
  const told: string[] = [];
  using shell = new Shell({ console: listenedTo(console, told) });
  await shell.connect();
  await shell.send("sleep 1000 & vw_pid[vw.7]=$!; vw_seldom");
  await shell.send("vw_alive vw.7 start 12; kill -KILL $!; wait $!");
  await shell.send("vw_alive vw.7 start 13");
  await shell.answer();
  assertEquals(
    [...told.join("").matchAll(/alive (vw.7 \w+) \d+ (\d+)\n/g)].map(
      ([, how, mark]) => [how, mark],
    ),
    [["vw.7 served", "12"], ["vw.7 137", "13"]],
  );
});

/** A console of which a test reads along what the guest says. */
function listenedTo(console: ByteStream, told: string[]): ByteStream {
  const decoder = new TextDecoder();
  return {
    async read(buffer) {
      const count = await console.read(buffer);
      if (count !== null) told.push(decoder.decode(buffer.slice(0, count)));
      return count;
    },
    write: (bytes) => console.write(bytes),
    close: () => console.close(),
  };
}
