/** The states of a port for stderr, over streams in memory. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { ConsoleLink } from "../../src/shell/console_link.ts";
import { GuestCalls } from "../../src/shell/guest_calls.ts";
import { Job } from "../../src/shell/job.ts";
import { LeftBehind } from "../../src/shell/left_behind.ts";
import { PortStream } from "../../src/shell/port_stream.ts";
import { StderrPort } from "../../src/shell/stderr_port.ts";
import { fakeClock } from "./fake_clock.ts";
import { memoryStream, turn } from "./memory_stream.ts";

const TOKEN = "vw0123456789abcdef012345";

/** A port that the guest has, which ends the stderr of a job where it is to. */
function makePort({ isBusy = false, isEnding = false } = {}) {
  const console = memoryStream();
  const stream = memoryStream();
  const warnings: string[] = [];
  const left = new LeftBehind((warning) => void warnings.push(warning));
  const port = new StderrPort(
    new PortStream({ name: "vw.err.0", stream }, TOKEN),
    {
      calls: new GuestCalls(new ConsoleLink(console), {
        token: TOKEN,
        numbers: 0,
      }),
      left,
    },
  );
  port.found("0p9");
  const job = new Job("the command", { stderr: "separate" });
  let isDone = false;
  if (isBusy || isEnding) port.begin(job);
  if (isEnding) port.finish(() => isDone = true);
  return {
    port,
    job,
    left,
    warnings,
    come: stream.come,
    isDone: () => isDone,
    asked: async () => {
      await turn();
      return console.written;
    },
    stderr: async () => {
      job.end(0);
      return new TextDecoder().decode((await job.done).stderr);
    },
    [Symbol.dispose]: () => port.close(),
  };
}

Deno.test("a port for stderr that the guest names is idle, as its device", () => {
  using made = makePort();
  made.port.found("1p1");
  assertEquals([made.port.is, made.port.device], ["idle", "0p9"]);
  assertThrows(() => made.port.finish(() => {}), Error, "and it is idle");
});

Deno.test("a busy port for stderr carries that of a job", async () => {
  using made = makePort({ isBusy: true });
  await made.come("an error");
  assertEquals(await made.stderr(), "an error");
});

Deno.test("a port for stderr is idle when its stream has ended", async () => {
  using made = makePort({ isEnding: true });
  assertEquals(await made.asked(), "vw_seldom; vw_drain vw.err.0 end\n");
  assertEquals([made.port.is, made.isDone()], ["ending", false]);
  await made.come(`late${TOKEN}7         `);
  assertEquals(made.isDone(), false);
  await made.come(`${TOKEN}end       `);
  assertEquals([made.port.is, made.isDone()], ["idle", true]);
  assertEquals(await made.stderr(), "late");
});

Deno.test("a port for stderr is held when a child that has it falls silent", async () => {
  using clock = fakeClock();
  using made = makePort({ isEnding: true });
  await made.come("more");
  made.port.still();
  clock.pass(0.5);
  assertEquals((await made.asked()).includes("vw_leave"), false);
  made.port.still();
  clock.pass(0.02);
  assertMatch(await made.asked(), /vw_leave vw\.err\.0\n$/);
  made.left.named("vw.err.0", "99", "sleep");
  assertEquals(made.warnings.length, 1);
  clock.pass(0.1);
  assertEquals([made.port.is, made.isDone()], ["held", true]);
});

Deno.test("a held port for stderr is idle when it was closed, or has ended", async () => {
  for (
    const end of [
      ({ port }: ReturnType<typeof makePort>) => port.closed(),
      ({ come }: ReturnType<typeof makePort>) => come(`${TOKEN}end       `),
    ]
  ) {
    using clock = fakeClock();
    using made = makePort({ isEnding: true });
    made.port.still();
    clock.pass(1);
    assertEquals(made.port.is, "held");
    await end(made);
    assertEquals(made.port.is, "idle");
  }
});

Deno.test("a port for stderr is absent when the shell is lost", () => {
  for (
    const state of [{ isEnding: false }, { isBusy: true, isEnding: false }, {
      isEnding: true,
    }]
  ) {
    using clock = fakeClock();
    using made = makePort(state);
    made.port.lose();
    clock.pass(10);
    // Its command has ended: its status is known.
    assertEquals(
      [made.port.is, made.isDone()],
      ["absent", state.isEnding],
    );
  }
});
