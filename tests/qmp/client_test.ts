import {
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
} from "@std/assert";
import {
  connectQmp,
  QmpAnswerTooLarge,
  type QmpClient,
  QmpClosed,
  QmpError,
} from "../../src/qmp/mod.ts";
import { UsageError } from "../../src/errors.ts";
import { FakeServer } from "./fake_server.ts";

/** A QEMU without a guest, and a client that talks to it. */
async function qemu(): Promise<
  { client: QmpClient; signal(name: Deno.Signal): void } & AsyncDisposable
> {
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
  const client = await connectQmp(await listener.accept());
  listener.close();
  return {
    client,
    signal: (name) => process.kill(name),
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
      assertEquals(error.name, "QmpError");
      assertEquals(error.errorClass, "CommandNotFound");
      assertEquals(
        error.description,
        "The command no-such-command has not been found",
      );
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

  await t.step("an event ends a wait, and reaches listeners", async () => {
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
    "an error of a listener is uncaught, and the other listeners get the event",
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
    "QEMU's end fails pending commands and all later ones",
    async () => {
      const waiting = client.waitForEvent(({ event }) => event === "NEVER");
      waiting.catch(() => {});
      assertEquals(client.isClosed, false);
      await client.send("quit").catch((error) =>
        assertInstanceOf(error, QmpClosed)
      );
      await assertRejects(
        () => waiting,
        QmpClosed,
        "QEMU closed the QMP connection",
      );
      assertEquals(client.isClosed, true);
      const error = await assertRejects(
        () => client.send("query-status"),
        QmpClosed,
      );
      assertEquals(error.name, "QmpClosed");
      await assertRejects(() => client.waitForEvent(() => true), QmpClosed);
      client.close();
    },
  );
});

Deno.test("close() fails pending commands", async () => {
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

Deno.test("the end of a client's scope closes it", async () => {
  await using server = await FakeServer.start();
  let answer: Promise<unknown>;
  {
    using client = await server.client();
    answer = client.send("query-status");
    answer.catch(() => {});
  }
  await assertRejects(() => answer, QmpClosed, "The QMP connection was closed");
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

Deno.test("a greeting may be waited for without a limit", async () => {
  await using server = await FakeServer.start();
  using client = await server.client(20, { timeout: null });
  const answer = client.send("query");
  const { id } = await server.request();
  await server.say(JSON.stringify({ return: 5, id }));
  assertEquals(await answer, 5);
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

Deno.test("what holds an event back holds back all that comes after it", async () => {
  await using server = await FakeServer.start();
  const held = Promise.withResolvers<void>();
  const holds: string[] = [], seen: string[] = [];
  using client = await server.client(0, {
    hold: ({ event }) => {
      holds.push(event);
      return event === "RESET" ? held.promise : undefined;
    },
  });
  client.onEvent(({ event }) => seen.push(event));
  const answer = client.send("query-status").then(() => seen.push("answer"));
  const { id } = await server.request();
  const timestamp = { seconds: 1, microseconds: 0 };
  for (const event of ["STOP", "RESET"]) {
    await server.say(JSON.stringify({ event, timestamp }));
  }
  await server.say(JSON.stringify({ return: {}, id }));
  while (!holds.includes("RESET")) await new Promise((go) => setTimeout(go, 1));
  assertEquals(seen, ["STOP"]);
  held.resolve();
  await answer;
  assertEquals(seen, ["STOP", "RESET", "answer"]);
});

Deno.test("an event that is held back when the connection closes is not told any more", async () => {
  await using server = await FakeServer.start();
  const held = Promise.withResolvers<void>();
  const isHeld = Promise.withResolvers<void>();
  const seen: string[] = [];
  using client = await server.client(0, {
    hold: () => {
      isHeld.resolve();
      return held.promise;
    },
  });
  client.onEvent(({ event }) => seen.push(event));
  const timestamp = { seconds: 1, microseconds: 0 };
  await server.say(JSON.stringify({ event: "RESET", timestamp }));
  await isHeld.promise;
  client.close();
  held.resolve();
  await new Promise((go) => setTimeout(go, 0));
  assertEquals(seen, []);
});

Deno.test("an error without a class or a description is an error", async () => {
  await using server = await FakeServer.start();
  using client = await server.client();
  for (const error of [{}, null]) {
    const answer = client.send("query");
    answer.catch(() => {});
    const { id } = await server.request();
    await server.say(JSON.stringify({ error, id }));
    await assertRejects(() => answer, QmpError, "QMP command query failed");
  }
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

/** Objects in objects, the message itself among them. */
function nested(depth: number, id: string): string {
  const inner = depth - 1;
  return `{"return": ${'{"a":'.repeat(inner)}1${
    "}".repeat(inner)
  }, "id": "${id}"}`;
}

Deno.test("an answer is read up to 1024 levels deep and 64 MiB long; a larger one fails its command, and no other", async () => {
  await using server = await FakeServer.start();
  using client = await server.client();
  const ask = async (answer: (id: string) => string) => {
    const [first, second] = [client.send("first"), client.send("second")];
    first.catch(() => {});
    for (
      const said of [answer, (id: string) => `{"return": 2, "id": "${id}"}`]
    ) {
      const { id } = await server.request();
      await server.say(said(id));
    }
    assertEquals(await second, 2);
    return await first;
  };
  let depth = 1;
  for (
    // deno-lint-ignore no-explicit-any
    let value: any = await ask((id) => nested(1024, id));
    typeof value === "object";
    value = value.a
  ) depth++;
  assertEquals(depth, 1024);
  const error = await assertRejects(
    () => ask((id) => nested(1025, id)),
    QmpAnswerTooLarge,
    "The answer to the QMP command first can't be read: " +
      "Expected a QMP message nested at most 1024 deep, but got a deeper one",
  );
  assertEquals(error.name, "QmpAnswerTooLarge");
  const text = (length: number) => (id: string) =>
    `{"return": "${"x".repeat(length)}", "id": "${id}"}`;
  assertEquals((await ask(text(63 << 20)) as string).length, 63 << 20);
  await assertRejects(
    () => ask(text(64 << 20)),
    QmpAnswerTooLarge,
    "Expected a QMP message of at most 67108864 bytes",
  );
});

Deno.test("a QEMU that hangs is not awaited", async () => {
  await using started = await qemu();
  const { client } = started;
  started.signal("SIGSTOP");
  const error = await assertRejects(
    () => client.send("query-status", undefined, { timeout: 0.1 }),
    DOMException,
    "QEMU has not answered the QMP command query-status in 0.1 seconds",
  );
  assertEquals(error.name, "TimeoutError");
  await assertRejects(
    () => client.send("query-status", {}, { timeout: -1 }),
    UsageError,
  );
  const patient = client.send("query-name", {}, { timeout: null });
  started.signal("SIGCONT");
  // The answer that came too late is nobody's.
  assertEquals(await patient, {});
});

Deno.test("a greeting is not waited for forever, nor an answer to the first command", async () => {
  for (const greeting of ["", '{"QMP": {}}\n']) {
    const { readable, writable } = new TransformStream<Uint8Array>();
    const writer = writable.getWriter();
    writer.write(new TextEncoder().encode(greeting));
    const reader = readable.getReader();
    let isClosed = false;
    await assertRejects(
      () =>
        connectQmp({
          async read(buffer) {
            const { value, done } = await reader.read();
            if (done) return null;
            buffer.set(value);
            return value.length;
          },
          write: (bytes) => Promise.resolve(bytes.length),
          close: () => {
            isClosed = true;
            writer.close();
          },
        }, { timeout: 0.05 }),
      DOMException,
      greeting === ""
        ? "QEMU has not greeted over QMP in 0.05 seconds"
        : "QEMU has not answered the QMP command qmp_capabilities in 0.05 seconds",
    );
    assertEquals(isClosed, true);
  }
});

Deno.test({
  name: "a command or wait that has ended leaves no timer",
  sanitizeOps: true,
  sanitizeResources: true,
  async fn() {
    await using server = await FakeServer.start();
    using client = await server.client();
    for (const said of ['"return": 1', '"error": {}']) {
      const answer = client.send("query");
      const { id } = await server.request();
      await server.say(`{${said}, "id": "${id}"}`);
      await answer.catch(() => {});
    }
    const event = client.waitForEvent(() => true);
    await server.say(
      '{"event": "A", "timestamp": {"seconds": 1, "microseconds": 2}}',
    );
    await event;
    const last = [client.send("query"), client.waitForEvent(() => true)];
    client.close();
    for (const one of last) await assertRejects(() => one, QmpClosed);
  },
});

Deno.test("a wait for an event that has ended releases its filter and its signal", async () => {
  await using server = await FakeServer.start();
  using client = await server.client();
  const { signal } = new AbortController();
  let listeners = 0, calls = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (
    ...args: Parameters<typeof removeEventListener>
  ) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  const said = '{"event": "A", "timestamp": {"seconds": 1, "microseconds": 2}}';
  const filters = [() => true, () => {
    throw new Error("bad filter");
  }];
  for (const filter of filters) {
    calls = 0;
    const waiting = client.waitForEvent(() => {
      calls++;
      return filter();
    }, { signal });
    assertEquals(listeners, 1);
    waiting.catch(() => {});
    await server.say(said);
    await waiting.catch(() => {});
    const next = client.waitForEvent(() => true);
    await server.say(said);
    await next;
    assertEquals([listeners, calls], [0, 1]);
  }
});

Deno.test("an invalid timeout of a connection is refused before anything is read", async () => {
  const stream = {
    read: () => new Promise<null>(() => {}),
    write: () => Promise.reject(new Error("written to")),
    close: () => {},
  };
  for (const timeout of [-1, NaN]) {
    await assertRejects(() => connectQmp(stream, { timeout }), UsageError);
  }
});

Deno.test("events of odd types are noise", async () => {
  await using server = await FakeServer.start();
  using client = await server.client();
  const seen: unknown[] = [];
  client.onEvent((event) => seen.push(event));
  const timestamp = '"timestamp": {"seconds": 1, "microseconds": 2}';
  const odd = [
    `{"event": ["STOP"], ${timestamp}}`,
    `{"event": 5, ${timestamp}}`,
    `{"event": null, ${timestamp}}`,
    `{"event": {"toString": 1}, ${timestamp}}`,
    `{"event": "A", "\\u0065vent": 5, ${timestamp}}`,
    `{"event": "A", "data": 5, ${timestamp}}`,
    `{"event": "A", "data": null, ${timestamp}}`,
    `{"event": "A", "data": [1], ${timestamp}}`,
    '{"event": "A"}',
    '{"event": "A", "timestamp": 5}',
    '{"event": "A", "timestamp": {"seconds": "1", "microseconds": 2}}',
    `{"__proto__": {"event": "A"}, ${timestamp}}`,
    `{"event": "A", "return": 1, "id": "vw1", ${timestamp}}`,
  ];
  for (const line of odd) await server.say(line);
  const answer = client.send("query");
  const { id } = await server.request();
  const good =
    `{"event": "A", "data": {"id": {"toString": 1}, "__proto__": 1}, ${timestamp}}`;
  await server.say(good);
  await server.say(
    `{"error": {"class": {"toString": 1}, "desc": []}, "id": "${id}"}`,
  );
  await assertRejects(
    () => answer,
    QmpError,
    "QMP command query failed: no reason (no class)",
  );
  assertEquals(seen, [JSON.parse(good)]);
});
