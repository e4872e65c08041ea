/** A port's states, each of its transitions by itself, over streams in memory. */
import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { ConsoleLink } from "../../src/shell/console_link.ts";
import { ShellLost } from "../../src/shell/errors.ts";
import { GuestCalls } from "../../src/shell/guest_calls.ts";
import { Job, type RunOptions } from "../../src/shell/job.ts";
import { LeftBehind } from "../../src/shell/left_behind.ts";
import { Port } from "../../src/shell/port.ts";
import type { PortState } from "../../src/shell/port_state.ts";
import { PortStream } from "../../src/shell/port_stream.ts";
import { StderrPort } from "../../src/shell/stderr_port.ts";
import { type FakeClock, fakeClock } from "./fake_clock.ts";
import { memoryStream, turn } from "./memory_stream.ts";

const TOKEN = "vw0123456789abcdef012345";
const RUNNER = 41;

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A port, and all that surrounds it. */
function makePort() {
  const console = memoryStream();
  const stream = memoryStream();
  const stderrStream = memoryStream();
  const calls = new GuestCalls(new ConsoleLink(console), {
    token: TOKEN,
    numbers: 0,
  });
  const warnings: string[] = [];
  const left = new LeftBehind((warning) => void warnings.push(warning));
  const changes: string[] = [];
  const again: Job[] = [];
  const port: Port = new Port(
    new PortStream({ name: "vw.3", stream }, TOKEN),
    {
      calls,
      left,
      changed: () => void changes.push(port.is),
      again: (job) => void again.push(job),
    },
  );
  const stderr = new StderrPort(
    new PortStream({ name: "vw.err.0", stream: stderrStream }, TOKEN),
    { calls, left },
  );
  stderr.found("0p9");
  return {
    port,
    stderr,
    stream,
    stderrStream,
    warnings,
    left,
    /** Jobs that have not begun after all. */
    again,
    /** The states in which the port said that it had changed. */
    changes,
    /** What the guest's shell was asked, a line each. */
    asked: async () => {
      await turn();
      return console.written.split("\n").map((line) =>
        line.replace("vw_seldom; ", "")
      );
    },
    /** Has the guest's side say codes, all at once. */
    say: (...codes: string[]) =>
      stream.come(codes.map((code) => TOKEN + code.padEnd(10)).join("")),
    [Symbol.dispose]() {
      port.close();
      stderr.close();
    },
  };
}

type Surroundings = ReturnType<typeof makePort>;

/** Half a second passes in the guest, and the child is still there. */
function still({ port }: Surroundings, clock: FakeClock, times = 1): void {
  for (let n = 0; n < times; n++) {
    port.still();
    clock.pass(0.5);
  }
}

/** What a command has to be, so that its port comes into a state. */
const OPTIONS: { [is in PortState["is"]]?: () => RunOptions } = {
  abandoned: () => ({ timeout: 10 }),
  spoilt: () => ({ stdin: (async function* () {})() }),
};

/** A port in one of the states; with it, the job that it runs or has run. */
async function portThatIs(
  is: PortState["is"],
  options: RunOptions = OPTIONS[is]?.() ?? {},
) {
  const made = makePort();
  const job = new Job("the command", options);
  job.done.catch(() => {});
  await WALKS[is](made, job);
  assertEquals(made.port.is, is);
  return { ...made, job };
}

/** How a port comes into each state. */
const WALKS: Record<
  PortState["is"],
  (made: Surroundings, job: Job) => Promise<void>
> = {
  absent: async () => {},
  idle: async ({ port }) => await void port.found(),
  readying: async (made, job) => {
    await WALKS.idle(made, job);
    made.port.serve("port");
    made.port.opened("0");
    await turn();
  },
  ready: async (made, job) => {
    await WALKS.readying(made, job);
    await made.say(`rdy${String(RUNNER).padStart(7, "0")}`);
  },
  busy: async (made, job) => {
    await WALKS.ready(made, job);
    const isApart = job.options.stderr === "separate";
    made.port.run(job, isApart ? made.stderr : undefined);
    await turn();
  },
  copying: async (made, job) => {
    await WALKS.busy(made, job);
    await made.say("rst0000077");
  },
  draining: async (made, job) => {
    await WALKS.busy(made, job);
    made.port.lost(3);
  },
  held: async (made, job) => {
    await WALKS.ready(made, job);
    made.port.lost();
  },
  abandoned: async (made, job) => {
    using clock = fakeClock();
    await WALKS.busy(made, job);
    clock.pass(100);
  },
  spoilt: async (made, job) => {
    await WALKS.busy(made, job);
    await made.say("1");
  },
};

Deno.test("an absent port", async (t) => {
  await t.step("is idle once the guest names it", async () => {
    using made = await portThatIs("absent");
    made.port.found();
    assertEquals(made.port.is, "idle");
  });

  await t.step("takes no command", async () => {
    using made = await portThatIs("absent");
    assertThrows(
      () => made.port.run(new Job("true", {})),
      Error,
      "Expected vw.3 to be ready, and it is absent",
    );
  });

  await t.step("does not accept a code from before its loss", async () => {
    using made = await portThatIs("absent");
    await made.say("rdy0000041", "0");
    made.port.opened("0");
    made.port.lost(0);
    assertEquals(made.port.is, "absent");
  });
});

Deno.test("the server of an idle port gets a mark of its own", async () => {
  using made = await portThatIs("idle");
  made.port.serve("port");
  assertEquals(made.port.is, "readying");
  assertEquals(await made.asked(), ["vw_start vw.3 0", ""]);
});

Deno.test("a port that is found again does not change", async () => {
  using made = await portThatIs("ready");
  made.port.found();
  assertEquals(made.port.is, "ready");
});

Deno.test("a port that readies", async (t) => {
  await t.step("tells its server where its bytes begin", async () => {
    using made = await portThatIs("idle");
    made.port.serve("port");
    made.port.opened("another");
    await turn();
    assertEquals(made.stream.written, "");
    made.port.opened("0");
    await turn();
    assertEquals(made.stream.written, `${TOKEN} 0\n`);
  });

  await t.step("is idle if that server has ended before", async () => {
    using made = await portThatIs("idle");
    made.port.serve("port");
    assertEquals(made.port.readying?.mark, "0");
    made.port.failed("another");
    assertEquals(made.port.is, "readying");
    made.port.failed("0");
    assertEquals(made.port.is, "idle");
  });

  await t.step("is not idle if that server ends later", async () => {
    using made = await portThatIs("ready");
    made.port.failed("0");
    assertEquals(made.port.is, "ready");
  });

  await t.step("accepts no runner before that", async () => {
    using made = await portThatIs("idle");
    made.port.serve("port");
    await made.say("rdy0000040");
    assertEquals(made.port.is, "readying");
  });

  await t.step("is ready when a runner waits", async () => {
    using made = await portThatIs("readying");
    await made.say("rdy0000041");
    assertEquals(made.port.is, "ready");
    assertEquals(made.changes, ["ready"]);
  });

  await t.step("is held when it can't be opened", async () => {
    using made = await portThatIs("readying");
    made.port.lost();
    assertEquals(made.port.is, "held");
    assertEquals(made.changes, ["held"]);
  });
});

Deno.test("a port that is ready", async (t) => {
  await t.step("sends the command to its runner", async () => {
    using made = await portThatIs("ready");
    const job = new Job("echo hi", {});
    made.port.run(job);
    assertEquals(made.port.is, "busy");
    await turn();
    assertMatch(made.stream.written, /\n41 {6} +\d+.*; echo hi'$/);
  });

  await t.step("becomes ready again when its runner was killed", async () => {
    using made = await portThatIs("ready");
    await made.say("137");
    assertEquals(made.port.is, "readying");
    await made.say("rdy0000042");
    assertEquals(made.port.is, "ready");
  });

  await t.step("marks the end of the bytes for a killed runner", async () => {
    using made = await portThatIs("ready");
    await made.say("killed");
    assertEquals(made.port.is, "readying");
    assertMatch(made.stream.written, new RegExp(`\n\n${TOKEN} 41\n$`));
    await made.say("137", "rdy0000042");
    assertEquals(made.port.is, "ready");
  });

  await t.step("does so after the rest of the same chunk", async () => {
    using made = await portThatIs("readying");
    await made.say("rdy0000041", "137");
    assertEquals(made.changes, ["readying"]);
  });

  await t.step("is held when it can't be opened again", async () => {
    using made = await portThatIs("ready");
    made.port.lost(137);
    assertEquals(made.port.is, "held");
  });
});

Deno.test("a busy port", async (t) => {
  await t.step("becomes ready again when its command has ended", async () => {
    using made = await portThatIs("busy");
    await made.stream.come(`out${TOKEN}5         `);
    assertEquals(made.port.is, "readying");
    const { status, stdout } = await made.job.done;
    assertEquals([status, text(stdout)], [5, "out"]);
  });

  await t.step("waits for all of separate stderr", async () => {
    using made = await portThatIs("busy", { stderr: "separate" });
    assertMatch(made.stream.written, /2>\/dev\/vport0p9/);
    await made.stderrStream.come("err");
    await made.say("0");
    assertEquals(made.port.is, "readying");
    assertEquals((await made.asked()).at(-2), "vw_drain vw.err.0 end");
    await made.stderrStream.come(`or${TOKEN}end       `);
    assertEquals(text((await made.job.done).stderr), "error");
    assertEquals(made.stderr.is, "idle");
  });

  await t.step("returns a command that has not begun", async () => {
    using clock = fakeClock();
    using made = await portThatIs("busy", { timeout: 10, stderr: "separate" });
    await made.say("killed");
    assertMatch(made.stream.written, new RegExp(`'\n${TOKEN} 41\n$`));
    assertEquals(made.port.is, "busy");
    await made.say("unread", "137");
    assertEquals([made.port.is, made.stderr.is], ["readying", "ending"]);
    assertEquals(made.again, [made.job]);
    // Its limit begins anew.
    clock.pass(100);
    assertEquals(grep(await made.asked(), "signal"), []);
  });

  await t.step(
    "does not return a command that its killed runner had read",
    async () => {
      using made = await portThatIs("busy");
      await made.say("killed", "137");
      assertEquals(made.again, []);
      assertEquals((await made.job.done).status, 137);
    },
  );

  await t.step(
    "runs nothing again whose stdin may be read, or whose time is over",
    async () => {
      using clock = fakeClock();
      for (
        const options of [{ stdin: (async function* () {})() }, { timeout: 10 }]
      ) {
        using made = await portThatIs("busy", options);
        clock.pass(10);
        await made.say("killed", "unread", "137");
        assertEquals(made.again, []);
        await made.job.done;
      }
    },
  );

  await t.step("drains when a child has it open", async () => {
    using made = await portThatIs("busy");
    made.port.lost(3);
    assertEquals(made.port.is, "draining");
    assertEquals((await made.asked()).at(-2), "vw_drain vw.3 3");
  });

  await t.step("is idle when its server has died", async () => {
    using made = await portThatIs("busy");
    made.port.died(new ShellLost("it was killed"));
    assertEquals(made.port.is, "idle");
    await assertRejects(() => made.job.done, ShellLost, "it was killed");
  });

  await t.step("gives its stderr back when its server has died", async () => {
    using made = await portThatIs("busy", { stderr: "separate" });
    made.port.died(new ShellLost("it was killed"));
    assertEquals((await made.asked()).at(-2), "vw_drain vw.err.0 end");
  });

  await t.step(
    "signals SIGTERM at the limit, and SIGKILL a second later",
    async () => {
      using clock = fakeClock();
      using made = await portThatIs("busy", { timeout: 10 });
      clock.pass(9.9);
      assertEquals(grep(await made.asked(), "signal"), []);
      clock.pass(0.1);
      assertEquals(grep(await made.asked(), "signal"), ["vw_signal 41 TERM"]);
      clock.pass(0.9);
      assertEquals(grep(await made.asked(), "KILL"), []);
      clock.pass(0.1);
      assertEquals(grep(await made.asked(), "KILL"), ["vw_signal 41 KILL"]);
      assertEquals(made.port.is, "busy");
      await made.say("137");
      assertEquals((await made.job.done).status, 124);
      assertEquals(made.port.is, "readying");
    },
  );

  await t.step("kills processes that outlive their command", async () => {
    using clock = fakeClock();
    using made = await portThatIs("busy", { timeout: 10 });
    clock.pass(10);
    await made.say("143");
    assertEquals(grep(await made.asked(), "signal"), [
      "vw_signal 41 TERM",
      "vw_signal 41 KILL",
    ]);
  });

  await t.step("is abandoned when its command can't be ended", async () => {
    using clock = fakeClock();
    using made = await portThatIs("busy", { timeout: 10, stderr: "separate" });
    clock.pass(15.9);
    assertEquals(made.port.is, "busy");
    clock.pass(0.1);
    assertEquals(made.port.is, "abandoned");
    const { status, timedOut } = await made.job.done;
    assertEquals([status, timedOut], [124, true]);
    assertEquals(made.stderr.is, "ending");
  });

  await t.step("ends a command whose signal is aborted", async () => {
    using clock = fakeClock();
    const controller = new AbortController();
    using made = await portThatIs("busy", { signal: controller.signal });
    controller.abort(new Error("enough"));
    await assertRejects(() => made.job.done, Error, "enough");
    clock.pass(1);
    assertEquals(grep(await made.asked(), "signal"), [
      "vw_signal 41 TERM",
      "vw_signal 41 KILL",
    ]);
  });

  await t.step(
    "is spoilt by a command that it could not take whole",
    async () => {
      using clock = fakeClock();
      using made = await portThatIs("ready");
      made.stream.stall();
      const job = new Job("long", { timeout: 10 });
      made.port.run(job);
      clock.pass(16);
      assertEquals(made.port.is, "spoilt");
      assertEquals((await job.done).status, 124);
    },
  );

  await t.step(
    "is spoilt by a command that did not read its own rest",
    async () => {
      using clock = fakeClock();
      using made = await portThatIs("ready");
      made.stream.stall();
      const job = new Job("long", { timeout: 10 });
      made.port.run(job);
      clock.pass(10);
      await made.say("143");
      assertEquals(made.port.is, "spoilt");
      assertEquals(grep(await made.asked(), "stop"), ["vw_stop vw.3"]);
    },
  );

  await t.step(
    "is not spoilt by what its killed runner did not read",
    async () => {
      using clock = fakeClock();
      for (const isInTime of [true, false]) {
        using made = await portThatIs("ready");
        made.stream.stall();
        const job = new Job("long", { timeout: 10 });
        made.port.run(job);
        clock.pass(10);
        await made.say("killed");
        if (isInTime) await made.say("143");
        else clock.pass(6);
        assertEquals(made.port.is, isInTime ? "readying" : "abandoned");
        assertEquals((await job.done).status, 124);
        await made.say("143", "rdy0000042");
        assertEquals(made.port.is, "ready");
      }
    },
  );

  await t.step("sends its killed runner no more of its stdin", async () => {
    const { promise: rest, resolve: go } = Promise.withResolvers<void>();
    const stdin = async function* () {
      yield new TextEncoder().encode("begin");
      await rest;
      yield new TextEncoder().encode("more");
    };
    using made = await portThatIs("busy", { stdin: stdin() });
    await made.say("killed");
    go();
    await turn();
    await made.say("137");
    assertMatch(made.stream.written, new RegExp(`begin\n${TOKEN} 41\n$`));
    assertEquals(made.port.is, "readying");
    assertEquals((await made.job.done).status, 137);
  });

  await t.step(
    "is spoilt by a stdin that its command did not read",
    async () => {
      const stdin = async function* () {};
      using made = await portThatIs("busy", { stdin: stdin() });
      await made.say("1");
      assertEquals(made.port.is, "spoilt");
      assertEquals((await made.asked()).at(-2), "vw_stop vw.3");
      assertEquals((await made.job.done).status, 1);
    },
  );

  await t.step("is spoilt by a stdin that breaks", async () => {
    // deno-lint-ignore require-yield
    const stdin = async function* (): AsyncGenerator<Uint8Array> {
      throw new Error("on fire");
    };
    using made = makePort();
    await WALKS.ready(made, new Job("", {}));
    const job = new Job("cat", { stdin: stdin(), stderr: "separate" });
    made.port.run(job, made.stderr);
    await assertRejects(() => job.done, Error, "on fire");
    assertEquals([made.port.is, made.stderr.is], ["spoilt", "ending"]);
  });

  await t.step("is spoilt when its stream breaks", async () => {
    using made = await portThatIs("ready");
    made.stream.breakOff();
    const job = new Job("true", {});
    made.port.run(job);
    await assertRejects(() => job.done, ShellLost, "port was closed");
    assertEquals(made.port.is, "spoilt");
  });
});

Deno.test("a spoilt port is ready when its runner is killed after all", async () => {
  using clock = fakeClock();
  using made = await portThatIs("ready");
  made.stream.stall();
  made.port.run(new Job("long", { timeout: 10 }));
  clock.pass(16);
  assertEquals(made.port.is, "spoilt");
  await made.say("killed", "143", "rdy0000042");
  assertEquals(made.port.is, "ready");
});

Deno.test("a spoilt port whose server was ended stays one", async () => {
  using made = await portThatIs("spoilt");
  await made.say("killed", "143", "rdy0000042");
  assertEquals(made.port.is, "spoilt");
});

Deno.test("a port that drains", async (t) => {
  await t.step("is served again when nobody has it open", async () => {
    using made = await portThatIs("draining");
    await made.stream.come(`late${TOKEN}3         `);
    assertEquals(made.port.is, "readying");
    assertEquals((await made.asked()).at(-2), "vw_start vw.3 1");
    const { status, stdout } = await made.job.done;
    assertEquals([status, text(stdout)], [3, "late"]);
  });

  await t.step("keeps no limit of the command", async () => {
    using clock = fakeClock();
    using made = await portThatIs("draining", { timeout: 10 });
    clock.pass(100);
    assertEquals(grep(await made.asked(), "signal"), []);
  });

  await t.step("is held when the child falls silent", async () => {
    using clock = fakeClock();
    using made = await portThatIs("draining");
    await made.stream.come("more");
    still(made, clock);
    assertEquals(grep(await made.asked(), "leave"), []);
    made.port.still();
    clock.pass(0.02);
    assertEquals(grep(await made.asked(), "leave"), ["vw_leave vw.3"]);
    made.left.named("vw.3", "99", "sleep");
    assertMatch(made.warnings[0], /`the command` has ended and left sleep/);
    // What it wrote before may still come.
    assertEquals(made.port.is, "draining");
    await made.stream.come("last");
    clock.pass(0.1);
    assertEquals(made.port.is, "held");
    assertEquals(made.changes.at(-1), "held");
    const { status, stdout } = await made.job.done;
    assertEquals([status, text(stdout)], [3, "morelast"]);
  });

  await t.step("is held though the child never falls silent", async () => {
    using clock = fakeClock();
    using made = await portThatIs("draining");
    for (let n = 0; n < 10; n++) {
      assertEquals(made.port.is, "draining");
      await made.stream.come("on");
      still(made, clock);
    }
    assertEquals(made.port.is, "held");
  });

  await t.step(
    "goes on where the host, which stood still, reads later what the child wrote",
    async () => {
      using clock = fakeClock();
      using made = await portThatIs("draining");
      for (let n = 0; n < 3; n++) made.port.still();
      await made.stream.come("more");
      clock.pass(1);
      assertEquals(grep(await made.asked(), "leave"), []);
      still(made, clock);
      assertEquals(made.port.is, "held");
    },
  );

  await t.step("may end just when the wait is given up", async () => {
    using clock = fakeClock();
    for (const pause of [0, 0.02]) {
      using made = await portThatIs("draining");
      made.port.still();
      clock.pass(pause);
      await made.say("3");
      clock.pass(1);
      assertEquals(made.port.is, "readying");
      assertEquals((await made.job.done).status, 3);
      assertEquals(grep(await made.asked(), "leave").length, pause && 1);
    }
  });
});

Deno.test("a port whose command's pipe is still copied", async (t) => {
  await t.step("becomes ready when everything is copied", async () => {
    using made = await portThatIs("copying");
    await made.stream.come(`late${TOKEN}3         `);
    assertEquals(made.port.is, "readying");
    const { status, stdout } = await made.job.done;
    assertEquals([status, text(stdout)], [3, "late"]);
  });

  await t.step("keeps no limit of the command", async () => {
    using clock = fakeClock();
    using made = await portThatIs("copying", { timeout: 10 });
    clock.pass(100);
    assertEquals(grep(await made.asked(), "signal"), []);
  });

  await t.step(
    "ends the copying of the child's pipe when the child is silent",
    async () => {
      using clock = fakeClock();
      using made = await portThatIs("copying");
      await made.stream.come("more");
      still(made, clock);
      assertEquals(grep(await made.asked(), "unpipe"), []);
      still(made, clock, 2);
      assertEquals(grep(await made.asked(), "unpipe"), ["vw_unpipe vw.3 77"]);
      made.left.named("vw.3", "99", "sleep");
      assertMatch(made.warnings[0], /`the command` has ended and left sleep/);
      await made.say("3");
      assertEquals(made.port.is, "readying");
      assertEquals((await made.job.done).status, 3);
    },
  );

  await t.step(
    "does not count a slow host as the child's silence",
    async () => {
      using clock = fakeClock();
      const took = Promise.withResolvers<void>();
      using made = await portThatIs("busy", { onStdout: () => took.promise });
      made.stream.come("much");
      await turn();
      const rest = made.say("rst0000077");
      still(made, clock, 3);
      assertEquals(grep(await made.asked(), "unpipe"), []);
      took.resolve();
      await rest;
      still(made, clock, 2);
      assertEquals(grep(await made.asked(), "unpipe"), ["vw_unpipe vw.3 77"]);
    },
  );

  await t.step("is left alone where all is copied meanwhile", async () => {
    using clock = fakeClock();
    using made = await portThatIs("copying");
    made.port.still();
    await made.say("3");
    clock.pass(1);
    assertEquals(grep(await made.asked(), "unpipe"), []);
  });

  await t.step("returns a command that has not begun", async () => {
    using made = await portThatIs("copying", { timeout: 10 });
    await made.say("killed", "unread", "137");
    assertEquals(made.port.is, "readying");
    assertEquals(made.again, [made.job]);
    assertEquals([made.job.settled, made.job.over], [false, false]);
  });

  await t.step("runs nothing again whose time was over", async () => {
    using clock = fakeClock();
    using made = await portThatIs("busy", { timeout: 10 });
    clock.pass(10);
    await made.say("rst0000077", "killed", "unread", "137");
    assertEquals(made.again, []);
    assertEquals((await made.job.done).status, 124);
  });

  await t.step("drains when a process has the port open, too", async () => {
    using made = await portThatIs("copying");
    made.port.lost(3);
    assertEquals(made.port.is, "draining");
  });

  await t.step("is idle when its server has died", async () => {
    using made = await portThatIs("copying");
    assertEquals(made.port.running, made.job);
    made.port.died(new ShellLost("it was killed"));
    assertEquals(made.port.is, "idle");
    await assertRejects(() => made.job.done, ShellLost, "it was killed");
  });
});

Deno.test("a port that is served for pipes stays one", async () => {
  using made = await portThatIs("idle");
  made.port.serve("pipe");
  assertEquals(await made.asked(), ["vw_pipe vw.3 0", ""]);
  made.port.opened("0");
  await made.say("rdy0000041");
  const job = new Job("true", {});
  made.port.run(job);
  await turn();
  assertMatch(made.stream.written, /exec >&8-;.*true'$/);
  for (const is of ["busy", "readying", "ready"] as const) {
    assertEquals([made.port.is, made.port.outlet], [is, "pipe"]);
    await made.say(is === "busy" ? "0" : "rdy0000042");
  }
});

Deno.test("a held port", async (t) => {
  await t.step(
    "is idle when the hypervisor says that it was closed",
    async () => {
      using made = await portThatIs("held");
      made.port.closed();
      assertEquals(made.port.is, "idle");
    },
  );

  await t.step("is idle when its stream has ended after all", async () => {
    using made = await portThatIs("held");
    await made.say("3");
    assertEquals(made.port.is, "idle");
  });

  await t.step("may be tried again", async () => {
    using made = await portThatIs("held");
    made.port.serve("port");
    assertEquals(made.port.is, "readying");
  });

  await t.step("drops what the child writes", async () => {
    using made = await portThatIs("held");
    await made.stream.come("nobody's");
    made.port.serve("port");
    made.port.opened("1");
    await made.say("rdy0000042");
    const job = new Job("true", {});
    made.port.run(job);
    await made.say("0");
    assertEquals(text((await job.done).stdout), "");
  });
});

Deno.test("an abandoned port", async (t) => {
  await t.step("is ready when the command has ended after all", async () => {
    using made = await portThatIs("abandoned");
    await made.say("137", "rdy0000042");
    assertEquals(made.port.is, "ready");
  });

  await t.step("is held when a child of it has it open", async () => {
    using made = await portThatIs("abandoned");
    made.port.lost(137);
    assertEquals(made.port.is, "held");
  });
});

for (const is of Object.keys(WALKS) as PortState["is"][]) {
  Deno.test(`a port that is ${is} is absent when the shell is lost`, async () => {
    using made = await portThatIs(is);
    using clock = fakeClock();
    made.port.lose(new ShellLost("web was reset"));
    assertEquals(made.port.is, "absent");
    if (is === "busy" || is === "copying" || is === "draining") {
      await assertRejects(() => made.job.done, ShellLost, "web was reset");
    }
    clock.pass(100);
    await made.say("0", "rdy0000041");
    assertEquals(made.port.is, "absent");
  });
}

Deno.test("a port's state is saved for another host", async () => {
  const told: Record<string, unknown> = {};
  for (const is of Object.keys(WALKS) as PortState["is"][]) {
    using made = await portThatIs(is);
    told[is] = made.port.atRest;
    const taken = makePort();
    taken.port.takeUp(JSON.parse(JSON.stringify(made.port.atRest)));
    assertEquals(taken.port.is, made.port.atRest.is);
    taken[Symbol.dispose]();
  }
  assertEquals(told, {
    absent: { is: "absent" },
    idle: { is: "idle" },
    readying: { is: "abandoned", outlet: "port" },
    ready: { is: "ready", outlet: "port", runner: RUNNER },
    // Nobody waits there for what runs.
    busy: { is: "abandoned", outlet: "port" },
    copying: { is: "abandoned", outlet: "port" },
    draining: { is: "held" },
    held: { is: "held" },
    abandoned: { is: "abandoned", outlet: "port" },
    spoilt: { is: "spoilt" },
  });
});

Deno.test("a command in transit spoils its port for another host", async () => {
  using made = await portThatIs("ready");
  made.stream.stall();
  const job = new Job("long", {});
  job.done.catch(() => {});
  made.port.run(job);
  assertEquals(made.port.atRest, { is: "spoilt", outlet: "port" });
});

function grep(lines: string[], word: string): string[] {
  return lines.filter((line) => line.includes(word));
}
