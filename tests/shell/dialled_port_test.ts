/** The states of a port that is a connection, over streams in memory. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ConsoleLink } from "../../src/shell/console_link.ts";
import { ServerLost, ShellLost } from "../../src/shell/errors.ts";
import { GuestCalls } from "../../src/shell/guest_calls.ts";
import { Job, type RunOptions } from "../../src/shell/job.ts";
import { LeftBehind } from "../../src/shell/left_behind.ts";
import { Liveness } from "../../src/shell/liveness.ts";
import { patienceWith } from "../../src/shell/patience.ts";
import { Port } from "../../src/shell/port.ts";
import { PortStream } from "../../src/shell/port_stream.ts";
import { fakeClock } from "./fake_clock.ts";
import { type MemoryStream, memoryStream, turn } from "./memory_stream.ts";

const TOKEN = "vw0123456789abcdef012345";

/** A port that was found, and the connections that it makes. */
function makePort() {
  const console = memoryStream();
  const calls = new GuestCalls(new ConsoleLink(console), {
    token: TOKEN,
    numbers: 0,
  });
  const connections: MemoryStream[] = [];
  const closed = new Set<number>();
  const dial = () => {
    const stream = memoryStream();
    const number = connections.push(stream) - 1;
    const close = stream.close.bind(stream);
    stream.close = () => {
      closed.add(number);
      close();
    };
    return Promise.resolve(stream);
  };
  const port: Port = new Port(new PortStream({ name: "vw.3", dial }, TOKEN), {
    calls,
    left: new LeftBehind(() => {}),
    changed: () => {},
    again: () => {},
  });
  port.found();
  const liveness = new Liveness({
    calls,
    ports: [port],
    jobs: () => [],
    heardOfJob: () => {},
    patience: patienceWith(),
    lose: () => {},
  });
  return {
    port,
    liveness,
    connections,
    /** The numbers of those that the host has closed. */
    closed,
    /** What the guest's shell was asked. */
    asked: async () => {
      await turn();
      return console.written.split("\n").map((line) =>
        line.replace("vw_seldom; ", "")
      ).filter((line) => line !== "");
    },
    say: async (...codes: string[]) =>
      await connections.at(-1)!.come(
        codes.map((code) => TOKEN + code.padEnd(10)).join(""),
      ),
  };
}

/** The same with a server and a runner at the other end. */
async function ready() {
  const made = makePort();
  made.port.serve("port");
  await turn();
  await made.say("srv0000040", "rdy0000041");
  assertEquals(made.port.is, "ready");
  return made;
}

/** The same with a command under way. */
async function busy(options: RunOptions = {}) {
  const made = await ready();
  const job = new Job("the command", options);
  job.done.catch(() => {});
  made.port.run(job);
  await turn();
  return { ...made, job };
}

Deno.test("a port that is a connection", async (t) => {
  await t.step("is made for a server, with the guest's side", async () => {
    const made = makePort();
    assertEquals(made.connections.length, 0);
    made.port.serve("pipe");
    assertEquals(made.port.is, "readying");
    await turn();
    assertEquals(made.connections.length, 1);
    assertMatch(
      made.connections[0].written,
      new RegExp(`^vw_token=${TOKEN} vw_outlet=pipe; IFS= read -r -N \\d+ `),
    );
    assertEquals(await made.asked(), []);
  });

  await t.step("tells the guest's shell its server's process", async () => {
    const made = await ready();
    assertEquals(await made.asked(), ["vw_pid[vw.3]=40"]);
  });

  await t.step("is served on by the same server", async () => {
    const { port, job, say, connections } = await busy();
    await say("0");
    assertEquals(port.is, "readying");
    await say("rdy0000042");
    assertEquals(port.is, "ready");
    assertEquals((await job.done).status, 0);
    assertEquals(connections.length, 1);
  });

  await t.step("tells by itself that its server does not live", async () => {
    using clock = fakeClock();
    const { port, liveness, say, asked } = await busy();
    liveness.lookAfter();
    await say("0");
    clock.pass(100);
    assertEquals(port.is, "readying");
    assertEquals(await asked(), ["vw_pid[vw.3]=40"]);
    assertEquals(clock.timers, 0);
  });

  await t.step("fails its command however its server has ended", async () => {
    using clock = fakeClock();
    const { job, liveness, asked } = await busy();
    liveness.lookAfter();
    clock.pass(5);
    assertEquals((await asked()).at(-1), "vw_alive vw.3");
    liveness.heard("vw.3", { process: "40", status: 3 });
    await assertRejects(() => job.done, ServerLost, "ended with status 3");
    liveness.stop();
  });

  await t.step("is drained by its server if a child has it", async () => {
    const { port, job, say, connections, asked } = await busy();
    await say("held3");
    assertEquals(port.is, "draining");
    await connections[0].come("late");
    await say("3");
    assertEquals(port.is, "readying");
    const { status, stdout } = await job.done;
    assertEquals([status, new TextDecoder().decode(stdout)], [3, "late"]);
    assertEquals(await asked(), ["vw_pid[vw.3]=40"]);
  });

  await t.step("is replaced if the child stays", async () => {
    const { port, job, say, connections, asked, closed } = await busy();
    await say("held3");
    {
      using clock = fakeClock();
      await say("still");
      clock.pass(1);
    }
    assertEquals(port.is, "idle");
    assertEquals((await job.done).status, 3);
    assertEquals((await asked()).at(-1), "vw_hang vw.3 40");
    // The child can go on writing, and nobody hears it.
    assertEquals([...closed], []);
    port.serve("port");
    await turn();
    assertEquals(connections.length, 2);
    await connections[0].come(`${TOKEN}rdy0000099`);
    assertEquals(port.is, "readying");
    await say("srv0000050", "rdy0000051");
    assertEquals(port.is, "ready");
  });

  await t.step("is made again when it ends before it is ready", async () => {
    using clock = fakeClock();
    const { port, connections } = makePort();
    port.serve("port");
    await turn();
    connections[0].close();
    await turn();
    assertEquals(port.is, "readying");
    clock.pass(1);
    await turn();
    assertEquals(connections.length, 2);
  });

  await t.step("is idle when it ends while nobody uses it", async () => {
    const { port, connections } = await ready();
    connections[0].close();
    await turn();
    assertEquals(port.is, "idle");
  });

  await t.step("fails its command when it ends", async () => {
    const { port, job, connections } = await busy();
    connections[0].close();
    await turn();
    assertEquals(port.is, "idle");
    await assertRejects(
      () => job.done,
      ShellLost,
      "The connection that carried the command to the guest has ended",
    );
  });

  await t.step("keeps a status when it ends later", async () => {
    const { port, job, say, connections } = await busy();
    await say("held7");
    connections[0].close();
    await turn();
    assertEquals(port.is, "idle");
    assertEquals((await job.done).status, 7);
  });

  await t.step("is closed if a command has left a part unread", async () => {
    const { port, say, closed, asked } = await busy({
      stdin: (async function* () {})(),
    });
    // Nobody reads on, so this is never over.
    say("1");
    await turn();
    assertEquals(port.is, "idle");
    assertEquals([...closed], [0]);
    assertEquals((await asked()).at(-1), "vw_stop vw.3");
  });

  await t.step("is closed when the guest's shell is lost", async () => {
    const { port, closed, job } = await busy();
    port.lose(new ShellLost("it is gone"));
    assertEquals(port.is, "absent");
    assertEquals([...closed], [0]);
    await assertRejects(() => job.done, ShellLost, "it is gone");
  });
});

Deno.test("a connection whose command can't be ended is closed", async () => {
  using clock = fakeClock();
  const { port, closed, job } = await busy({ timeout: 10 });
  clock.pass(100);
  assertEquals(port.is, "idle");
  assertEquals([...closed], [0]);
  assertEquals((await job.done).status, 124);
});
