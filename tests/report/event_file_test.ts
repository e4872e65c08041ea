import { assert, assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../src/errors.ts";
import {
  EventFileListener,
  Log,
  readEventFile,
  type RunEvent,
} from "../../src/report/mod.ts";
import type { WrittenEvent } from "../../src/report/read_event_file.ts";
import { hostile } from "./hostile.ts";
import { killed, withFolder } from "./process.ts";
import { randomRun } from "./random_run.ts";

async function read(path: string) {
  const events: WrittenEvent[] = [];
  const end = await readEventFile(path, (event) => void events.push(event));
  return { ...end, count: end.events, events };
}

Deno.test("a file of events gives back every event, whatever is said", () =>
  withFolder(async (folder) => {
    const path = `${folder}/events.jsonl`;
    const told: RunEvent[] = [];
    const log = new Log([new EventFileListener(path), {
      on: (event) => void told.push(event),
    }]);
    for (const text of hostile) log.consoleLine("m", text);
    randomRun(log, 1);
    log.runEnded("failed", new Error(hostile.join("")));
    await log.close();
    const { events, truncated } = await read(path);
    assertEquals(truncated, false);
    assertEquals(events, JSON.parse(JSON.stringify(told)));
  }));

Deno.test("a picture stands in the file of events once", () =>
  withFolder(async (folder) => {
    const path = `${folder}/events.jsonl`;
    const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]);
    Deno.writeFileSync(`${folder}/a.png`, png);
    Deno.writeFileSync(`${folder}/b.png`, png);
    Deno.writeTextFileSync(`${folder}/c.png`, "<script>");
    const log = new Log([new EventFileListener(path)]);
    for (const name of ["a", "b", "c", "absent"]) {
      log.screenshot("m", `${folder}/${name}.png`);
    }
    await log.close();
    const { events } = await read(path);
    const [, a, b, c, absent] = events.map(({ picture }) => picture);
    assertEquals(a?.png, "iVBORwECAw==");
    assertEquals(b, { hash: a!.hash });
    assertEquals([c, absent], [undefined, undefined]);
  }));

Deno.test("a file of events is whole up to the moment of a kill", () =>
  withFolder(async (folder) => {
    const path = `${folder}/events.jsonl`;
    await killed(`
      const log = new Log([new report.EventFileListener(${
      JSON.stringify(path)
    })]);
      for (let i = 0; i < 5000; i++) log.consoleLine("m", "line " + i);
    `);
    const { count, truncated } = await read(path);
    assertEquals(truncated, false);
    assertEquals(count, 5001);
  }));

Deno.test("a last line that is not whole is left out of a file of events", () =>
  withFolder(async (folder) => {
    const path = `${folder}/events.jsonl`;
    const log = new Log([new EventFileListener(path)]);
    log.info("one");
    log.info("two");
    await log.close();
    const text = Deno.readTextFileSync(path);
    Deno.writeTextFileSync(path, text.slice(0, -10));
    const { events, truncated } = await read(path);
    assert(truncated);
    assertEquals(events.map(({ type }) => type), ["runBegan", "message"]);
  }));

Deno.test("a file that holds no events, or later ones, is refused", () =>
  withFolder(async (folder) => {
    const path = `${folder}/events.jsonl`;
    const refused = async (text: string, message: string) => {
      Deno.writeTextFileSync(path, text);
      await assertRejects(() => read(path), UsageError, message);
    };
    await refused("", 'to begin with {"format":"vmwright-events",…}, got ""');
    await refused("<xml/>\n", 'got "<xml/>"');
    await refused(
      '{"format":"vmwright-events","version":2}\n',
      "Expected version 1 of the events",
    );
    await refused(
      '{"format":"vmwright-events","version":1}\n{"a\n{}\n',
      "Expected JSON in line 2",
    );
    await assertRejects(
      () => read(`${folder}/absent`),
      UsageError,
      "Expected a file of events in",
    );
  }));

Deno.test("a kind of event that a reader does not know is handed on, and no event is passed over", () =>
  withFolder(async (folder) => {
    const path = `${folder}/events.jsonl`;
    Deno.writeTextFileSync(
      path,
      '{"format":"vmwright-events","version":1}\n' +
        '{"type":"moonrise","time":1}\nnull\n{"time":2}\n',
    );
    const { events } = await read(path);
    assertEquals(events.map(({ type }) => String(type)), ["moonrise"]);
  }));
