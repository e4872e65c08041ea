import {
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { QmpClient, QmpClosed, QmpError } from "../../src/qmp/mod.ts";
import { UsageError } from "../../src/report/mod.ts";
import { FakeServer } from "./fake_server.ts";

/** A QEMU without a guest, and a client that talks to it. */
async function qemu(): Promise<{ client: QmpClient } & AsyncDisposable> {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/qmp`;
  const listener = Deno.listen({ transport: "unix", path });
  const process = new Deno.Command("qemu-system-x86_64", {
    args: [
      ...["-M", "none", "-S", "-nographic", "-nodefaults"],
      ...["-qmp", `unix:${path}`],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const client = await QmpClient.connect(await listener.accept());
  listener.close();
  return {
    client,
    async [Symbol.asyncDispose]() {
      client.close();
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended itself.
      }
      await process.status;
      await Deno.remove(directory, { recursive: true });
    },
  };
}

Deno.test("a client and QEMU", async (t) => {
  await using started = await qemu();
  const { client } = started;

  await t.step("a command answers what QEMU returns", async () => {
    const answer = await client.send("query-status");
    assertEquals((answer as { status: string }).status, "prelaunch");
  });

  await t.step("a command takes arguments", async () => {
    assertEquals(
      await client.send("human-monitor-command", {
        "command-line": "info name",
      }),
      "",
    );
  });

  await t.step("many commands at once each get their own answer", async () => {
    const answers = await Promise.all(
      Array.from(
        { length: 200 },
        (_, index) =>
          client.send(index % 2 === 0 ? "query-version" : "query-name"),
      ),
    );
    answers.forEach((answer, index) =>
      assertEquals(
        Object.hasOwn(answer as object, "qemu"),
        index % 2 === 0,
      )
    );
  });

  await t.step(
    "an error names the command, QEMU's reason and its class",
    async () => {
      const error = await assertRejects(
        () => client.send("no-such-command"),
        QmpError,
        "QMP command no-such-command failed: " +
          "The command no-such-command has not been found",
      );
      assertEquals(error.errorClass, "CommandNotFound");
    },
  );

  await t.step("an error of one command leaves the others alone", async () => {
    const [first, second, third] = await Promise.allSettled([
      client.send("query-name"),
      client.send("device_del", { id: "nobody" }),
      client.send("query-name"),
    ]);
    assertEquals(first.status, "fulfilled");
    assertEquals(second.status, "rejected");
    assertEquals(third.status, "fulfilled");
  });

  await t.step("text of any characters goes there and comes back", async () => {
    const id = 'a "b" \\ \n ü 漢 😀 \u0001';
    const error = await assertRejects(
      () => client.send("device_del", { id }),
      QmpError,
    );
    assertMatch(error.message, /😀/);
  });

  await t.step("an event is waited for, and told to listeners", async () => {
    const seen: string[] = [];
    const stop = client.onEvent(({ event }) => seen.push(event));
    const waiting = client.waitForEvent(({ event }) => event === "RESUME", {
      timeout: Infinity,
    });
    await client.send("cont");
    const event = await waiting;
    assertEquals(event.event, "RESUME");
    assertEquals(typeof event.timestamp.seconds, "number");
    assertEquals(seen.includes("RESUME"), true);
    stop();
    const before = seen.length;
    const stopped = client.waitForEvent(({ event }) => event === "STOP");
    await client.send("stop");
    await stopped;
    assertEquals(seen.length, before);
  });

  await t.step(
    "a wait for an event that does not come ends at its timeout",
    async () => {
      await assertRejects(
        () => client.waitForEvent(() => false, { timeout: -5 }),
        UsageError,
        "got -5",
      );
      const error = await assertRejects(
        () => client.waitForEvent(() => false, { timeout: 0.05 }),
        DOMException,
        "No such QMP event came in 0.05 seconds",
      );
      assertEquals(error.name, "TimeoutError");
    },
  );

  await t.step("a wait for an event can be aborted", async () => {
    const controller = new AbortController();
    const waiting = client.waitForEvent(() => false, {
      signal: controller.signal,
    });
    controller.abort(new Error("enough"));
    await assertRejects(() => waiting, Error, "enough");
    await assertRejects(
      () => client.waitForEvent(() => false, { signal: controller.signal }),
      Error,
      "enough",
    );
  });

  await t.step(
    "a filter that throws fails the wait, and nothing else",
    async () => {
      const waiting = client.waitForEvent(() => {
        throw new Error("bad filter");
      });
      waiting.catch(() => {});
      await client.send("cont");
      await assertRejects(() => waiting, Error, "bad filter");
      await client.send("stop");
    },
  );

  await t.step(
    "what a listener throws is an uncaught error, and takes nothing from the others",
    async () => {
      const uncaught: unknown[] = [];
      const { reportError } = globalThis;
      globalThis.reportError = (error) => uncaught.push(error);
      const stop = client.onEvent(() => {
        throw new Error("bad listener");
      });
      const waiting = client.waitForEvent(({ event }) => event === "RESUME");
      await client.send("cont");
      await waiting;
      stop();
      globalThis.reportError = reportError;
      assertEquals(uncaught.map(String), ["Error: bad listener"]);
      await client.send("stop");
    },
  );

  await t.step(
    "QEMU's end fails what waits, and whatever comes after",
    async () => {
      const waiting = client.waitForEvent(({ event }) => event === "NEVER");
      waiting.catch(() => {});
      await client.send("quit").catch((error) =>
        assertInstanceOf(error, QmpClosed)
      );
      await assertRejects(
        () => waiting,
        QmpClosed,
        "QEMU closed the QMP connection",
      );
      await assertRejects(() => client.send("query-status"), QmpClosed);
      await assertRejects(() => client.waitForEvent(() => true), QmpClosed);
      client.close();
    },
  );
});

Deno.test("close() fails what is under way", async () => {
  await using server = await FakeServer.start();
  const client = await server.client();
  const answer = client.send("query-status");
  const event = client.waitForEvent(() => true);
  answer.catch(() => {});
  event.catch(() => {});
  client.close();
  await assertRejects(() => answer, QmpClosed, "The QMP connection was closed");
  await assertRejects(() => event, QmpClosed, "The QMP connection was closed");
  client.close();
});

Deno.test("a server that leaves before its greeting fails the connection", async () => {
  await using server = await FakeServer.start({ greeting: "" });
  const connecting = server.client();
  connecting.catch(() => {});
  await server.hangUp();
  await assertRejects(
    () => connecting,
    QmpClosed,
    "QEMU closed the QMP connection",
  );
});

Deno.test("answers may come in any order", async () => {
  await using server = await FakeServer.start();
  using client = await server.client();
  const first = client.send("first");
  const second = client.send("second");
  const requests = [await server.request(), await server.request()];
  assertEquals(requests.map(({ execute }) => execute), ["first", "second"]);
  for (const { id, execute } of requests.reverse()) {
    await server.say(JSON.stringify({ return: execute, id }));
  }
  assertEquals([await first, await second], ["first", "second"]);
});

Deno.test("garbage between messages is skipped", async () => {
  await using server = await FakeServer.start();
  using client = await server.client();
  const garbage = [
    "no json at all\r\n",
    "{\r\n",
    "}{]\r\n",
    '{"return": \r\n',
    "\r\n\r\n",
    '{"neither": "this nor that"}\r\n',
    '{"error": null, "id": "vw1"}\r\n',
    '{"error": {}}\r\n',
    '{"return": {}, "id": "nobody asked"}\r\n',
    '{"return": {}}\r\n',
    '{"event": 5}\r\n',
    "[1, 2]\r\n",
    "\xff\xfe\x00\r\n",
  ];
  for (const line of garbage) {
    const answer = client.send("again");
    const { id } = await server.request();
    await server.sayBytes(
      Uint8Array.from(line, (character) => character.charCodeAt(0)),
    );
    await server.say(JSON.stringify({ return: line, id }));
    assertEquals(await answer, line);
  }
});

Deno.test("a message cut anywhere is the same message", async () => {
  await using server = await FakeServer.start();
  using client = await server.client();
  const answer = client.send("query");
  const { id } = await server.request();
  const text = JSON.stringify({ return: { text: 'ü}{"\\' }, id }) + "\r\n";
  for (const byte of new TextEncoder().encode(text)) {
    await server.sayBytes(Uint8Array.of(byte));
  }
  assertEquals(await answer, { text: 'ü}{"\\' });
});

Deno.test("an error without a class or a description is an error", async () => {
  await using server = await FakeServer.start();
  using client = await server.client();
  const answer = client.send("query");
  answer.catch(() => {});
  const { id } = await server.request();
  await server.say(JSON.stringify({ error: {}, id }));
  await assertRejects(() => answer, QmpError, "QMP command query failed");
});

Deno.test("an answer of megabytes arrives", async () => {
  await using server = await FakeServer.start();
  using client = await server.client();
  const answer = client.send("query");
  const { id } = await server.request();
  const text = "x".repeat(4 << 20);
  await server.say(JSON.stringify({ return: text, id }));
  assertEquals((await answer as string).length, text.length);
});
