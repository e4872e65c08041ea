import { assertEquals, assertRejects } from "@std/assert";
import { QmpClosed, QmpEventQueue } from "../../src/qmp/mod.ts";
import { FakeServer } from "./fake_server.ts";

const timestamp = { seconds: 1, microseconds: 2 };

async function session() {
  const server = await FakeServer.start();
  const client = await server.client();
  const queue = new QmpEventQueue(client);
  const say = (event: string, data?: unknown) =>
    server.say(JSON.stringify({ event, data, timestamp }));
  return {
    server,
    client,
    queue,
    say,
    /** Waits until all that was said has been heard. */
    async heard() {
      const answer = client.send("query-status");
      const { id } = await server.request();
      await server.say(JSON.stringify({ return: {}, id }));
      await answer;
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const named = (name: string) => ({ event }: { event: string }) =>
  event === name;

Deno.test("an event from before the wait is taken, once", async () => {
  await using test = await session();
  const { queue } = test;
  for (const name of ["STOP", "RESUME", "STOP", "RESET"]) await test.say(name);
  await test.heard();
  assertEquals((await queue.take(named("RESUME"))).event, "RESUME");
  // Earlier events are dropped, later ones are not.
  assertEquals((await queue.take(() => true)).event, "STOP");
  await assertRejects(
    () => queue.take(named("STOP"), { timeout: 0 }),
    DOMException,
    "No such QMP event",
  );
  assertEquals((await queue.take(named("RESET"))).event, "RESET");
});

Deno.test("waits at the same time each get their event", async () => {
  await using test = await session();
  const { queue } = test;
  const taken = ["RESUME", "STOP", "RESET"].map((name) =>
    queue.take(named(name))
  );
  for (const name of ["STOP", "RESET", "RESUME"]) await test.say(name);
  assertEquals((await Promise.all(taken)).map(({ event }) => event), [
    "RESUME",
    "STOP",
    "RESET",
  ]);
});

Deno.test("events of the driver's own ports are nobody's", async () => {
  await using test = await session();
  const { queue } = test;
  await test.say("VSERPORT_CHANGE", { id: "vw-1", open: true });
  await test.heard();
  const taken = queue.take(() => true);
  await test.say("VSERPORT_CHANGE", { id: "vw-1", open: false });
  await test.say("VSERPORT_CHANGE", { id: "theirs", open: true });
  assertEquals((await taken).data, { id: "theirs", open: true });
});

Deno.test("of many events that nobody takes, the last are kept", async () => {
  await using test = await session();
  const { queue } = test;
  for (let n = 0; n < 1100; n++) await test.say(`E${n}`);
  await test.heard();
  assertEquals((await queue.take(() => true)).event, "E100");
  assertEquals((await queue.take(named("E1099"))).event, "E1099");
});

Deno.test("events from before the end of the session can still be taken", async () => {
  await using test = await session();
  const { queue } = test;
  await test.say("SHUTDOWN");
  await test.heard();
  test.client.close();
  assertEquals((await queue.take(named("SHUTDOWN"))).event, "SHUTDOWN");
  await assertRejects(() => queue.take(() => true), QmpClosed);
});
