import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { TestFailure } from "../../src/errors.ts";
import { withhold } from "../../src/report/log.ts";
import {
  describeError,
  EventFileListener,
  Log,
  type RunEvent,
} from "../../src/report/mod.ts";
import { authorPositions } from "../../src/report/positions.ts";

function recorded(): { log: Log; events: RunEvent[] } {
  const events: RunEvent[] = [];
  const log = new Log([{ on: (event) => void events.push(event) }]);
  return { log, events };
}

/** A line of this file. */
function lineOfThis(line: number): string {
  const text = Deno.readTextFileSync(new URL(import.meta.url));
  return text.split("\n")[line - 1].trim();
}

/** The events with the names of their steps, without times. */
function told(events: RunEvent[]): string[] {
  const names = new Map<number, string>();
  const places = ["sourceFile", "stepPlaced"];
  return events.filter(({ type }) => !places.includes(type)).map((event) => {
    if (event.type === "stepBegan") names.set(event.id, event.text);
    if (event.type === "subtestBegan") names.set(event.id, event.name);
    const inside = event.step === undefined ? "-" : names.get(event.step);
    const what = event.type === "message"
      ? event.text
      : "id" in event
      ? names.get(event.id)
      : "";
    return `${inside} ${event.type} ${what}`.trim();
  });
}

Deno.test("a step encloses what happens inside it, also across awaits and at the same time", async () => {
  const { log, events } = recorded();
  const gate = Promise.withResolvers<void>();
  await log.nested("outer", async () => {
    await Promise.all([
      log.nested("a", async () => {
        await gate.promise;
        log.info("from a");
      }),
      log.nested("b", async () => {
        await null;
        log.info("from b");
        gate.resolve();
      }),
    ]);
    log.info("from outer");
  });
  log.info("from nowhere");
  assertEquals(told(events), [
    "- runBegan",
    "- stepBegan outer",
    "outer stepBegan a",
    "outer stepBegan b",
    "b message from b",
    "a message from a",
    "outer stepEnded b",
    "outer stepEnded a",
    "outer message from outer",
    "- stepEnded outer",
    "- message from nowhere",
  ]);
  await log.close();
});

Deno.test("a listener that is disposed of gets no more events", () => {
  const { log, events } = recorded();
  const others: RunEvent[] = [];
  const listening = log.addListener({ on: (event) => void others.push(event) });
  log.info("heard");
  listening[Symbol.dispose]();
  listening[Symbol.dispose]();
  log.info("not heard");
  assertEquals(told(others), ["- runBegan", "- message heard"]);
  assertEquals(events.length, 3);
});

Deno.test("a step that throws ends with the error and passes it on", async () => {
  const { log, events } = recorded();
  const error = new TypeError("no");
  await assertRejects(
    () =>
      log.subtest("s", () =>
        log.nested("n", () => {
          throw error;
        })),
    TypeError,
  );
  const ended = events.filter((event) =>
    event.type === "stepEnded" || event.type === "subtestEnded"
  );
  assertEquals(ended.map((event) => event.error?.name), [
    "TypeError",
    "TypeError",
  ]);
  assertEquals(ended[0].error === ended[1].error, true);
  await log.close();
});

Deno.test("the explicit form: begin, within, end", async () => {
  const { log, events } = recorded();
  const outer = log.beginSubtest("outer");
  const inner = log.begin("inner", { machine: "m", image: "x.png" }, outer);
  log.within(inner, () => log.warning("careful"));
  log.end(inner);
  log.end(inner);
  log.endSubtest(outer, new Error("late"));
  assertEquals(told(events), [
    "- runBegan",
    "- subtestBegan outer",
    "outer stepBegan inner",
    "inner message careful",
    "outer stepEnded inner",
    "- subtestEnded outer",
  ]);
  const ended = events.find(({ type }) => type === "stepEnded");
  assertEquals(ended?.machine, "m");
  await log.close();
});

Deno.test("runEnded() ends the steps that are still open, innermost first", async () => {
  const { log, events } = recorded();
  const outer = log.begin("outer");
  log.begin("inner", {}, outer);
  log.runEnded("timeout", new Error("time is up"));
  assertEquals(told(events).slice(3), [
    "outer stepEnded inner",
    "- stepEnded outer",
    "- runEnded",
  ]);
  await log.close();
});

Deno.test("a listener that is added late gets the begin of the run", async () => {
  const { log } = recorded();
  log.info("missed");
  const late: RunEvent[] = [];
  log.addListener({ on: (event) => void late.push(event) });
  log.info("heard");
  assertEquals(told(late), ["- runBegan", "- message heard"]);
  await log.close();
});

Deno.test("a listener that is removed gets no more events, and is not closed", async () => {
  const { log, events } = recorded();
  const heard: string[] = [];
  {
    using _listener = log.addListener({
      on: (event) => void heard.push(event.type),
      close: () => void heard.push("close"),
    });
    log.info("inside");
  }
  log.info("outside");
  await log.close();
  assertEquals(heard, ["runBegan", "message"]);
  assertEquals(events.map((event) => event.type), [
    "runBegan",
    "message",
    "message",
  ]);
});

Deno.test("a listener that removes itself during an event makes no other miss it", async () => {
  const log = new Log();
  const first: Disposable = log.addListener({
    on: (event) => event.type === "message" && first[Symbol.dispose](),
  });
  const heard: string[] = [];
  log.addListener({ on: (event) => void heard.push(event.type) });
  log.info("one");
  log.info("two");
  assertEquals(heard, ["runBegan", "message", "message"]);
  await log.close();
});

Deno.test("a listener that throws drops out, and the others get a warning and go on", async () => {
  const events: RunEvent[] = [];
  const log = new Log([
    {
      on(event) {
        if (event.type === "message") throw new Error("disk full");
      },
    },
    { on: (event) => void events.push(event) },
  ]);
  log.info("one");
  log.info("two");
  assertEquals(told(events), [
    "- runBegan",
    "- message part of the log is lost from here on: disk full",
    "- message one",
    "- message two",
  ]);
  await log.close();
});

Deno.test("a report that has no room on the disk is named, and the run goes on", async () => {
  const { log, events } = recorded();
  using _file = log.addListener(new EventFileListener("/dev/full"));
  // It is written when the running piece of the program is done.
  await Promise.resolve();
  log.info("one");
  log.info("two");
  assertEquals(told(events), [
    "- runBegan",
    "- message one",
    "- message nothing more is written to /dev/full: " +
    "No space left on device (os error 28)",
    "- message two",
  ]);
  await log.close();
});

Deno.test("close() closes every listener once, and no event comes afterwards", async () => {
  let closed = 0;
  let heard = 0;
  const log = new Log([{ on: () => void heard++, close: () => void closed++ }]);
  await Promise.all([log.close(), log.close()]);
  log.info("too late");
  assertEquals([closed, heard], [1, 1]);
});

Deno.test("the place of a step is logged, after the text of its file", async () => {
  const { log, events } = recorded();
  await log.nested("here", () => new Promise((resolve) => setTimeout(resolve)));
  log.begin("there");
  log.flush();
  const [file] = events.filter(({ type }) => type === "sourceFile");
  const places = events.filter((event) => event.type === "stepPlaced");
  assertEquals(file.type === "sourceFile" && file.url, import.meta.url);
  assertEquals(places.map(({ id }) => id), [1, 2]);
  const text = Deno.readTextFileSync(new URL(import.meta.url)).split("\n");
  assertEquals(
    places.map(({ position: { line } }) => text[line - 1].trim().slice(0, 24)),
    ['await log.nested("here",', 'log.begin("there");'],
  );
  assert(events.indexOf(file) < events.indexOf(places[0]));
  await log.close();
});

Deno.test("a failure of one of several calls leads to that call, and not to the wait for all", async () => {
  const { log } = recorded();
  const failure = new TestFailure("it failed");
  // As if it came from the driver.
  failure.stack = "TestFailure: it failed";
  await assertRejects(async () => {
    await Promise.all([
      log.nested("one", () => undefined),
      log.nested("another", () => Promise.reject(failure)),
    ]);
  }, TestFailure);
  const [{ line }] = authorPositions(failure);
  assertEquals(lineOfThis(line).slice(0, 21), 'log.nested("another",');
  await log.close();
});

Deno.test("a failure of calls inside each other leads to the innermost", async () => {
  const { log } = recorded();
  const failure = new TestFailure("it failed");
  failure.stack = "TestFailure: it failed";
  await assertRejects(async () => {
    await Promise.all([
      log.nested("outer", async () => {
        await Promise.all([
          log.nested("inner", () => Promise.reject(failure)),
        ]);
      }),
    ]);
  }, TestFailure);
  const [{ line }] = authorPositions(failure);
  assertEquals(lineOfThis(line).slice(0, 19), 'log.nested("inner",');
  await log.close();
});

Deno.test("a failure that an author's line throws leads to that line", async () => {
  const { log } = recorded();
  const failure = await assertRejects(() =>
    log.nested("a check", () => {
      throw new TestFailure("it failed");
    }), TestFailure);
  const [{ line }] = authorPositions(failure);
  assertEquals(lineOfThis(line).slice(0, 21), "throw new TestFailure");
  await log.close();
});

Deno.test("a later step of a call is placed there, if it is of the same machine", async () => {
  const { log, events } = recorded();
  // As the driver's code does, which waits before it begins the step.
  const later = (machine: string) =>
    Promise.resolve().then(
      log.nested.bind(log, "later", () => log.flush(), { machine }, undefined),
    );
  await Promise.all([
    log.nested("of a", () => later("a"), { machine: "a" }),
    log.nested("of b", () => later("a"), { machine: "b" }),
  ]);
  const steps = events.flatMap((event) =>
    event.type === "stepBegan" && event.text === "later" ? [event.id] : []
  );
  const places = steps.map((step) =>
    events.flatMap((event) =>
      event.type === "stepPlaced" && event.id === step
        ? [lineOfThis(event.position.line).slice(0, 19)]
        : []
    )
  );
  assertEquals(places, [['log.nested("of a", '], ["await Promise.all(["]]);
  await log.close();
});

Deno.test("the place of a step is not looked for if no listener takes it", async () => {
  const events: RunEvent[] = [];
  const on = (event: RunEvent) => void events.push(event);
  const log = new Log([{ takesPlaces: false, on }]);
  log.begin("unplaced");
  log.flush();
  using _one = log.addListener({ on: () => {} });
  log.begin("placed");
  log.flush();
  assertEquals(
    events.map(({ type }) => type),
    ["runBegan", "stepBegan", "stepBegan", "sourceFile", "stepPlaced"],
  );
  await log.close();
});

Deno.test("a step that another process begins has that process's place", async () => {
  const { log, events } = recorded();
  const position = { url: "file:///test.py", line: 7, column: 1 };
  log.at(position, () => log.begin("step"));
  log.at(position, () => log.beginSubtest("subtest"));
  const placed = events.flatMap((event) =>
    event.type === "stepPlaced" || event.type === "subtestBegan"
      ? [event.position]
      : []
  );
  assertEquals(placed, [position, position]);
  await log.close();
});

Deno.test("events that are held back are released when they are wanted, with later ones", async () => {
  const { log, events } = recorded();
  const withheld = withhold(log), unwanted = withhold(log);
  const gate = Promise.withResolvers<void>();
  const [later] = await log.nested("step", () => {
    unwanted.run(() => log.info("never"));
    return [withheld.run(async () => {
      log.info("early");
      await gate.promise;
      log.info("late");
    })];
  });
  log.info("meanwhile");
  unwanted[Symbol.dispose]();
  const before = log.time;
  withheld.tell();
  gate.resolve();
  await later;
  unwanted.run(() => log.info("never"));
  withheld[Symbol.dispose]();
  withheld.run(() => log.info("last"));
  assertEquals(told(events), [
    "- runBegan",
    "- stepBegan step",
    "- stepEnded step",
    "- message meanwhile",
    "- message early",
    "- message late",
    "- message last",
  ]);
  assert(events.at(-3)!.time >= before);
});

Deno.test("an interval ends once, and marks have their machine and text", async () => {
  const { log, events } = recorded();
  {
    using fault = log.interval("fault", { machine: "m", text: "cut" });
    log.mark("reset", { machine: "m" });
    fault[Symbol.dispose]();
  }
  log.fact("QEMU", "7.2.22", "m");
  log.attachment("journal", { machine: "m", text: "…" });
  assertEquals(told(events), [
    "- runBegan",
    "- intervalBegan undefined",
    "- mark",
    "- intervalEnded undefined",
    "- fact",
    "- attachment",
  ]);
  assertEquals(events.slice(1).map(({ machine }) => machine), [
    "m",
    "m",
    "m",
    "m",
    "m",
  ]);
  await log.close();
});

Deno.test("the middle of a command's long output is left out, and counted", async () => {
  const { log, events } = recorded();
  const command = { machine: "m", kind: "succeed", command: "yes" } as const;
  const output = `first${"y".repeat(300_000)}last`;
  log.commandEnded({ ...command, status: 0, output, duration: 1 });
  log.commandEnded({ ...command, status: 0, output: "y", duration: 1 });
  const [long, short] = events.filter((event) => event.type === "commandEnded");
  assertEquals(long.omitted, output.length - 256 * 1024);
  assert(long.output.startsWith("first") && long.output.endsWith("last"));
  assertEquals([short.output, short.omitted], ["y", undefined]);
  await log.close();
});

Deno.test("the middle of a message of many megabytes is left out", async () => {
  const { log, events } = recorded();
  log.info(`first${"y".repeat(70_000_000)}last`);
  const [{ text }] = events.filter((event) => event.type === "message");
  assertMatch(text, /^first[^]*last$/);
  assertLess(text.length, 5_000_000);
  await log.close();
});

Deno.test("describeError() describes whatever was thrown", () => {
  assertEquals(describeError("text"), { name: "Error", message: "text" });
  assertEquals(describeError(undefined).message, "undefined");
  assertEquals(describeError({ a: 1 }).message, "{ a: 1 }");
  assertEquals(describeError(new RangeError("x")).name, "RangeError");
});

Deno.test("the middle of a failure's long texts is left out", async () => {
  const { log, events } = recorded();
  const long = `first${"y".repeat(1_000_000)}last`;
  const error = new Error(long);
  log.runEnded("failed", error, long, {
    failures: [{ name: "a", error: describeError(long), detail: long }],
  });
  const [end] = events.filter((event) => event.type === "runEnded");
  const [failure] = end.failures!;
  const texts = {
    message: end.error!.message,
    stack: end.error!.stack!,
    detail: end.detail!,
    "message of a subtest": failure.error.message,
    "detail of a subtest": failure.detail,
  };
  for (const [name, text] of Object.entries(texts)) {
    assertMatch(text, /first[^]*last/, name);
    assertLess(text.length, 300_000, name);
  }
  assert(describeError(error) === end.error);
  await log.close();
});
