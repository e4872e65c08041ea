import { assertEquals, assertMatch } from "@std/assert";
import {
  Log,
  TerminalListener,
  type TerminalOptions,
  type Verdict,
} from "../../src/report/mod.ts";

/** What a terminal shows of what `act` logs, without durations. */
async function shown(
  act: (log: Log) => unknown,
  options: TerminalOptions = {},
): Promise<string> {
  let text = "";
  const write = (piece: string) => void (text += piece);
  const log = new Log([
    new TerminalListener({ write, colour: false, ...options }),
  ]);
  await act(log);
  await log.close();
  return text.replace(/in \d+\.\d\d seconds/g, "in N seconds");
}

Deno.test("the log looks as authors know it, with nesting and durations", async () => {
  const text = await shown(async (log) => {
    log.info("start all VMs");
    await log.nested("run the VM test script", async () => {
      await log.subtest("the web server answers", async () => {
        await log.nested("must succeed: true", () => {
          log.consoleLine("machine", "[    0.000000] Linux version");
        }, { machine: "machine" });
        log.info("half way");
      });
    });
  });
  assertEquals(
    text,
    `start all VMs
run the VM test script
subtest: the web server answers
  machine: must succeed: true
machine # [    0.000000] Linux version
  machine: (finished: must succeed: true, in N seconds)
  half way
(finished: subtest: the web server answers, in N seconds)
(finished: run the VM test script, in N seconds)
`,
  );
});

Deno.test("lines of steps that run at the same time can be told apart", async () => {
  const text = await shown(async (log) => {
    const first = log.begin("first", { machine: "a" });
    const second = log.begin("second", { machine: "a" });
    const inner = log.begin("inner", {}, second);
    log.within(inner, () => log.info("in inner"));
    log.within(first, () => log.info("in first"));
    log.end(inner);
    log.end(first);
    log.end(second);
    await log.nested("alone again", () => {});
  });
  assertEquals(
    text,
    `a: first
[2] a: second
[2] inner
  [2] in inner
[1] in first
[2] (finished: inner, in N seconds)
[1] a: (finished: first, in N seconds)
a: (finished: second, in N seconds)
alone again
(finished: alone again, in N seconds)
`,
  );
});

Deno.test("a failed step says so, and the run's failure is marked", async () => {
  const text = await shown((log) => {
    const step = log.begin("must succeed: false", { machine: "machine" });
    const error = new Error("exit code 1");
    log.end(step, error);
    log.runEnded("failed", error, 'test.ts:3\n  machine.succeed("false")');
  });
  assertEquals(
    text,
    `machine: must succeed: false
machine: (failed: must succeed: false, in N seconds)
!!! test.ts:3
!!!   machine.succeed("false")
`,
  );
});

Deno.test("levels hide messages below them; log() is never hidden", async () => {
  const act = (log: Log) => {
    log.debug("debug");
    log.info("info");
    log.warning("warning");
    log.error("error");
    log.log("log");
  };
  const lines = async (level: TerminalOptions["level"]) =>
    (await shown(act, { level })).trim().split("\n");
  assertEquals(await lines("debug"), [
    "debug",
    "info",
    "warning",
    "error",
    "log",
  ]);
  assertEquals(await lines(undefined), ["info", "warning", "error", "log"]);
  assertEquals(await lines("warning"), ["warning", "error", "log"]);
  assertEquals(await lines("error"), ["error", "log"]);
});

Deno.test("serialStdoutOff() hides console lines until serialStdoutOn()", async () => {
  const text = await shown((log) => {
    log.serialStdoutOff();
    log.consoleLine("m", "hidden");
    log.serialStdoutOn();
    log.consoleLine("m", "shown");
  });
  assertEquals(text, "m # shown\n");
});

/** A run of two consoles that says more than a person wants to read. */
function talkative(verdict: Verdict): (log: Log) => void {
  return (log) => {
    for (let i = 1; i <= 30; i++) log.consoleLine("m", `line ${i}`);
    log.consoleLine("n", "only");
    log.runEnded(verdict, verdict === "passed" ? undefined : new Error("no"));
  };
}

Deno.test("a quiet terminal shows no console, unless the script asks for it", async () => {
  const options = { console: "quiet" } as const;
  assertEquals(await shown(talkative("failed"), options), "!!! Error: no\n");
  const text = await shown((log) => {
    log.serialStdoutOn();
    log.consoleLine("m", "shown");
  }, options);
  assertEquals(text, "m # shown\n");
});

Deno.test("each console's last lines can be shown when the run fails, and only then", async () => {
  const options = { console: "failed" } as const;
  const last = Array.from({ length: 20 }, (_, i) => `m # line ${i + 11}\n`);
  const expected = `${last.join("")}n # only\n!!! Error: no\n`;
  assertEquals(await shown(talkative("failed"), options), expected);
  assertEquals(await shown(talkative("timeout"), options), expected);
  assertEquals(await shown(talkative("passed"), options), "");
});

Deno.test("nothing in a text reaches the terminal as a command", async () => {
  const evil = "\x1b]0;title\x07\x1b[2J\x9b31m\u202eX\x00\r";
  const text = await shown(async (log) => {
    log.info(evil, { machine: evil });
    await log.nested(evil, () => {}, { machine: evil });
    log.consoleLine(evil, "line");
    log.runEnded("failed", new Error(evil));
  });
  // deno-lint-ignore no-control-regex
  assertMatch(text, /^[^\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]*$/);
});

Deno.test("a message of several lines names its machine once", async () => {
  const text = await shown((log) => {
    log.info("one\ntwo", { machine: "m" });
    log.info("three");
  });
  assertEquals(text, "m: one\ntwo\nthree\n");
});

Deno.test("colour is used if it is wanted", async () => {
  const text = await shown((log) => {
    log.end(log.begin("step", { machine: "m" }));
    log.consoleLine("m", "line");
  }, { colour: true });
  assertEquals(
    text,
    "m: \x1b[1;32mstep\x1b[0m\nm: (finished: step, in N seconds)\n\x1b[2mm # line\x1b[0m\n",
  );
});

Deno.test("a thousand lines at once are one write, and none waits for a timer", async () => {
  const writes: string[] = [];
  const log = new Log([
    new TerminalListener({ write: (text) => void writes.push(text) }),
  ]);
  for (let i = 0; i < 1000; i++) log.consoleLine("m", `line ${i}`);
  await null;
  assertEquals(writes.length, 1);
  assertEquals(writes[0].split("\n").length, 1001);
  await log.close();
});

async function run(
  code: string,
  env: Record<string, string> = {},
): Promise<string> {
  const mod = new URL("../../src/report/mod.ts", import.meta.url).href;
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `import { Log, TerminalListener } from ${JSON.stringify(mod)};
       const log = new Log([new TerminalListener()]); ${code}`,
    ],
    env,
  }).output();
  return new TextDecoder().decode(stderr);
}

Deno.test("the log is on standard error even if the process exits at once", async () => {
  assertEquals(
    await run(
      `for (let i = 0; i < 3000; i++) log.info("line"); Deno.exit(3);`,
    ),
    "line\n".repeat(3000),
  );
});

Deno.test("standard error that is no terminal gets no colour", async () => {
  assertEquals(
    await run(`log.warning("careful"); await log.close();`, { NO_COLOR: "" }),
    "careful\n",
  );
});
