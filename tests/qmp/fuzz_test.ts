/**
 * Whatever a server says, no error is uncaught, and each command that it then
 * answers gets that answer.
 */
import { assertEquals } from "@std/assert";
import { QmpEventQueue } from "../../src/qmp/mod.ts";
import { FakeServer } from "./fake_server.ts";

/** Numbers that look random, and are the same in each run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

const NAMES = [
  ...["QMP", "return", "error", "event", "id", "data", "timestamp", "class"],
  ...["desc", "reason", "open", "seconds", "toString", "__proto__", ""],
  ...["constructor", "\\u0069d", "\\u0065vent"],
];
const WORDS = [
  ...["5", "-0", "1e999", "true", "null", '""', '"vw0"', '"vw-shell"'],
  ...['"SHUTDOWN"', '"RESET"', '"VSERPORT_CHANGE"', '"\\ud800"', '"\\u0000"'],
  ...["[]", "{}", '{"toString": 1}', '{"__proto__": null}', '["vw1", 2]'],
];

/** A message, or what looks like one. */
function message(pick: (below: number) => number, depth = 0): string {
  const value = () =>
    depth < 4 && pick(4) === 0
      ? message(pick, depth + 1)
      : WORDS[pick(WORDS.length)];
  const members = Array.from(
    { length: pick(6) },
    () => `"${NAMES[pick(NAMES.length)]}": ${value()}`,
  );
  let text = `{${members.join(", ")}}`;
  if (pick(8) === 0) {
    const at = pick(text.length);
    text = text.slice(0, at) + '{}[]",:\n\r\0x'[pick(11)] + text.slice(at + 1);
  }
  return text;
}

Deno.test("hostile messages break nothing", async () => {
  const uncaught: unknown[] = [];
  const { reportError } = globalThis;
  globalThis.reportError = (error) => uncaught.push(error);
  try {
    for (let seed = 0; seed < 20; seed++) {
      const pick = random(seed);
      await using server = await FakeServer.start();
      using client = await server.client();
      const queue = new QmpEventQueue(client);
      for (let round = 0; round < 20; round++) {
        const said = Array.from({ length: 20 }, () => message(pick));
        await server.say(said.join("\r\n"));
        const answer = client.send("query");
        const { id } = await server.request();
        // No earlier text begins a message that goes on here.
        await server.say(`\r\n{"return": ${round}, "id": "${id}"}`);
        assertEquals(await answer, round, `seed ${seed}: ${said.join("\n")}`);
      }
      await server.say(
        '{"event": "LAST", "timestamp": {"seconds": 1, "microseconds": 2}}',
      );
      const { event } = await queue.take(({ event }) => event === "LAST");
      assertEquals(event, "LAST");
    }
  } finally {
    globalThis.reportError = reportError;
  }
  assertEquals(uncaught, []);
});
