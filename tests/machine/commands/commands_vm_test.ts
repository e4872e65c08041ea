import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { MachineError, TestFailure, UsageError } from "../../../mod.ts";
import { standStill } from "../../time/stand_still.ts";
import { booted } from "../booted.ts";

Deno.test("commands in a guest", async (t) => {
  await using test = await booted();
  const { machine, events } = test;

  await t.step(
    "before its start a machine is neither booted nor connected",
    () => {
      assertEquals(machine.booted, false);
      assertEquals(machine.connected, false);
      assertEquals(machine.isUp(), false);
      assertEquals(machine.pid, undefined);
    },
  );

  await t.step(
    "the first command starts the machine and waits for its shell",
    async () => {
      assertEquals(await machine.execute("echo hello"), [0, "hello\n"]);
      assertEquals(machine.booted, true);
      assertEquals(machine.connected, true);
      assertEquals(machine.isUp(), true);
      assertEquals(typeof machine.pid, "number");
    },
  );

  await t.step(
    "start() and connect() leave a running machine alone",
    async () => {
      const { pid } = machine;
      await machine.start();
      await machine.connect();
      assertEquals(machine.pid, pid);
    },
  );

  await t.step("the facts of a machine are those of its driver", () => {
    assertEquals(machine.name, "tiny");
    assertStringIncludes(machine.stateDir, "vm-state-tiny");
    assertStringIncludes(machine.sharedDir, "shared-xchg");
    assertEquals(machine.outDir, test.outDir);
    assertStringIncludes(machine.startCommand, "run-tiny-vm");
  });

  await t.step("a command is bash's, as root, with its options", async () => {
    assertEquals(
      await machine.succeed(
        "id -u; echo $0; [[ $- == *u* ]] && shopt -o | grep -c on$",
      ),
      "0\nbash\n" + (await machine.succeed("shopt -o | grep -c on$")),
    );
    assertEquals((await machine.execute("false; echo not here"))[1], "");
    assertEquals((await machine.execute("false | true; echo not here"))[1], "");
    assertEquals(
      (await machine.execute("echo $nothing; echo not here"))[1],
      "",
    );
  });

  await t.step("execute() answers the status and stdout, as text", async () => {
    assertEquals(await machine.execute("echo out; echo err >&2; exit 7"), [
      7,
      "out\n",
    ]);
    assertEquals(await machine.execute("printf 'no newline'"), [
      0,
      "no newline",
    ]);
    assertEquals(await machine.execute("printf 'ü 漢 😀\\n'; printf '\\377'"), [
      0,
      "ü 漢 😀\n\ufffd",
    ]);
    assertEquals(await machine.execute("true"), [0, ""]);
  });

  await t.step("stderr goes to the serial console", async () => {
    await machine.succeed("echo only on the console >&2");
    await machine.waitForConsoleText("only on the console", { timeout: 60 });
  });

  await t.step("a signal's status is 128 and its number", async () => {
    assertEquals((await machine.execute("kill -KILL $$"))[0], 137);
  });

  await t.step(
    "execute() answers 124 when its timeout has passed",
    async () => {
      assertEquals(
        await machine.execute("echo before; sleep 1000", { timeout: 10 }),
        [124, "before\n"],
      );
      // The command is gone, with its children.
      await machine.waitUntilFails("pidof sleep", { timeout: 60 });
    },
  );

  await t.step(
    "a child that ignores SIGTERM is ended with its command",
    async () => {
      await machine.execute("(trap '' TERM; exec sleep 1000) & wait", {
        timeout: 0.3,
      });
      await machine.waitUntilFails("pidof sleep", { timeout: 60 });
    },
  );

  await t.step(
    "the end of a command does not end a later one",
    async () => {
      const dawdle = "trap 'read -r -t 0.95 -u 1 _ || :; exit' TERM; " +
        "while :; do read -r -t 0.05 -u 1 _ || :; done";
      await Promise.all(Array.from({ length: 4 }, async () => {
        const [status] = await machine.execute(dawdle, { timeout: 0.2 });
        assertEquals(status, 124);
        await machine.succeed("read -r -t 1 -u 1 _ || :", "true");
      }));
    },
  );

  await t.step("execute() without checkReturn answers -1", async () => {
    assertEquals(
      await machine.execute("echo a; exit 3", { checkReturn: false }),
      [-1, "a\n"],
    );
  });

  await t.step("execute() without checkOutput answers at once", async () => {
    assertEquals(
      await machine.execute(
        "mkfifo /tmp/go; read -r _ </tmp/go; touch /tmp/went",
        {
          checkOutput: false,
        },
      ),
      [-2, ""],
    );
    await machine.waitForFile("/tmp/go", { timeout: 60 });
    assertEquals((await machine.execute("[ -e /tmp/went ]"))[0], 1);
    await machine.succeed("echo >/tmp/go");
    await machine.waitForFile("/tmp/went", { timeout: 60 });
  });

  await t.step("a wrong timeout is refused", async () => {
    for (const timeout of [-1, NaN]) {
      await assertRejects(
        () => machine.execute("true", { timeout }),
        UsageError,
        `Expected a timeout of zero or more seconds, got ${
          Deno.inspect(timeout)
        }`,
      );
    }
  });

  await t.step("a NUL byte in a command is refused", async () => {
    await assertRejects(
      () => machine.succeed("echo a\0b"),
      Error,
      "Expected a command without NUL bytes, got one at offset 6",
    );
  });

  await t.step("succeed() answers the output of all its commands", async () => {
    assertEquals(await machine.succeed("echo a", "echo b"), "a\nb\n");
    assertEquals(await machine.succeed("echo a", { timeout: 60 }), "a\n");
    assertEquals(await machine.succeed(), "");
  });

  await t.step(
    "succeed() fails with the command, its status and its output",
    async () => {
      const error = await assertRejects(
        () =>
          machine.succeed(
            "touch /tmp/first",
            "seq 30; exit 4",
            "touch /tmp/third",
          ),
        TestFailure,
      );
      assertMatch(
        error.message,
        /^command `seq 30; exit 4` failed \(exit code 4\); its output ended with:\n21\n[^]*\n30$/,
      );
      await machine.succeed("[ -e /tmp/first ] && [ ! -e /tmp/third ]");
    },
  );

  await t.step("succeed() fails with the end of stderr too", async () => {
    const error = await assertRejects(
      () =>
        machine.succeed(
          "echo before >&2",
          "echo fine; for n in {1..40}; do echo bad $n; done >&2; exit 4",
        ),
      TestFailure,
    );
    const stderr = Array.from({ length: 10 }, (_, n) => `bad ${31 + n}`);
    assertEquals(
      error.message,
      "command `echo fine; for n in {1..40}; do echo bad $n; done >&2; exit 4` " +
        "failed (exit code 4); its output ended with:\nfine\n" +
        `its stderr ended with:\n${stderr.join("\n")}`,
    );
    // Each is of its own command.
    const another = await assertRejects(
      () => machine.succeed("nonesuch"),
      TestFailure,
    );
    assertMatch(
      another.message,
      /^command `nonesuch` failed \(exit code 127\); its stderr ended with:\n.*nonesuch: command not found$/,
    );
  });

  await t.step(
    "a message tells that several commands wrote to stderr",
    async () => {
      const [error] = await Promise.all([
        assertRejects(
          () =>
            machine.succeed(
              "echo mine >&2; touch /mine; until [ -e /beside ]; do :; done; false",
            ),
          TestFailure,
        ),
        machine.succeed(
          "until [ -e /mine ]; do :; done; echo beside >&2; touch /beside",
        ),
      ]);
      assertStringIncludes(
        error.message,
        "; stderr of commands that ran at the same time ended with:\nmine\nbeside",
      );
    },
  );

  await t.step("stderr is on the console, and nothing of ours", async () => {
    await machine.succeed("echo the last of stderr >&2");
    await machine.waitForConsoleText(/the last of stderr\n/, { timeout: 60 });
    const text = machine.getConsoleLog();
    assertStringIncludes(text, "bad 1\nbad 2\n");
    assert(!text.includes("\x01"), text);
  });

  await t.step("succeed() with a timeout fails with status 124", async () => {
    await assertRejects(
      () => machine.succeed("sleep 1000", { timeout: 0.2 }),
      TestFailure,
      "command `sleep 1000` failed (exit code 124)",
    );
  });

  await t.step("fail() answers the output of commands that fail", async () => {
    assertEquals(
      await machine.fail("echo a; false", "echo b; exit 9"),
      "a\nb\n",
    );
  });

  await t.step("fail() fails for a command that succeeds", async () => {
    const error = await assertRejects(
      () => machine.fail("false", "echo fine"),
      TestFailure,
    );
    assertEquals(
      error.message,
      "command `echo fine` unexpectedly succeeded; its output ended with:\nfine",
    );
  });

  await t.step(
    "arguments that are neither strings nor options are refused",
    async () => {
      await assertRejects(
        () => machine.succeed(...[5, "true"] as unknown as string[]),
        UsageError,
        "Expected commands as strings and options last, got 5",
      );
      for (const last of [["false"], new Date(0), /x/, null, 5]) {
        await assertRejects(
          () => machine.succeed("true", last as unknown as string),
          UsageError,
          "Expected commands as strings and options last, got",
        );
      }
      await assertRejects(
        () => machine.execute("true", 5 as unknown as { timeout: number }),
        UsageError,
        "Expected options such as { timeout: 5 }, got 5",
      );
    },
  );

  await t.step(
    "waitUntilSucceeds() tries until the command succeeds",
    async () => {
      const waiting = machine.waitUntilSucceeds("cat /tmp/later", {
        timeout: 60,
      });
      await machine.succeed(
        "echo now >/tmp/later.new",
        "mv /tmp/later.new /tmp/later",
      );
      assertEquals(await waiting, "now\n");
    },
  );

  await t.step(
    "waitUntilSucceeds() says the last status and output when it gives up",
    async () => {
      const error = await assertRejects(
        () =>
          machine.waitUntilSucceeds("echo not yet; echo bad >&2; exit 3", {
            timeout: 3,
          }),
        TestFailure,
      );
      assertMatch(
        error.message,
        /^waiting for success of `[^`]*` timed out after 3 seconds; its last status was 3/,
      );
      assertStringIncludes(
        error.message,
        "; its output ended with:\nnot yet\nits stderr ended with:\nbad",
      );
    },
  );

  await t.step(
    "waitUntilSucceeds() ends a command that hangs at its timeout",
    async () => {
      await assertRejects(
        () => machine.waitUntilSucceeds("sleep 1000", { timeout: 0.3 }),
        TestFailure,
        "waiting for success of `sleep 1000` timed out after 0.3 seconds",
      );
    },
  );

  await t.step(
    "waitUntilSucceeds() tries once more if the driver stood still until its time was over",
    async () => {
      const waiting = machine.waitUntilSucceeds(
        "[ -e /tmp/tried ] || { touch /tmp/tried; echo tried >&2; false; }",
        { timeout: 3 },
      );
      await machine.waitForConsoleText("tried");
      standStill(4);
      await waiting;
    },
  );

  await t.step("waitUntilFails() tries until the command fails", async () => {
    const waiting = machine.waitUntilFails("[ -e /tmp/later ]", {
      timeout: 60,
    });
    await machine.succeed("rm /tmp/later");
    await waiting;
    await assertRejects(
      () => machine.waitUntilFails("echo still; true", { timeout: 0.3 }),
      TestFailure,
      "waiting for failure of `echo still; true` timed out after 0.3 seconds",
    );
  });

  await t.step("sleep() passes the guest's time", async () => {
    const before = Number(await machine.succeed("date +%s%N"));
    await machine.sleep(0.3);
    const after = Number(await machine.succeed("date +%s%N"));
    assert(after - before >= 0.3e9);
  });

  await t.step("two commands run at the same time", async () => {
    // Each opens its end of both pipes only together with the other.
    await machine.succeed("mkfifo /tmp/ping /tmp/pong");
    assertEquals(
      await Promise.all([
        machine.succeed("echo ping >/tmp/ping; cat /tmp/pong"),
        machine.succeed("cat /tmp/ping; echo pong >/tmp/pong"),
      ]),
      ["pong\n", "ping\n"],
    );
  });

  await t.step("forty commands run at the same time", async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => machine.succeed(`echo ${n}`)),
    );
    assertEquals(answers, Array.from({ length: 40 }, (_, n) => `${n}\n`));
  });

  await t.step(
    "each command is a step of the log, with its machine",
    async () => {
      events.length = 0;
      await machine.succeed("true");
      const began = events.find((event) => event.type === "stepBegan")!;
      assertEquals(began.text, "must succeed: true");
      assertEquals(began.attributes?.machine, "tiny");
      assert(
        events.some((event) =>
          event.type === "stepEnded" && event.step === began.step
        ),
      );
    },
  );

  await t.step("a failing command's whole output is in the log", async () => {
    events.length = 0;
    await assertRejects(() => machine.succeed("seq 30; false"));
    assert(
      events.some((event) =>
        event.type === "message" && event.text.includes("output: 1\n2\n3\n")
      ),
    );
    events.length = 0;
    await assertRejects(() => machine.succeed("false"));
    assert(!events.some((event) => event.type === "message"));
  });

  await t.step("snake_case works on a real machine", async () => {
    const untyped = machine as unknown as Record<
      string,
      (...args: unknown[]) => Promise<unknown>
    >;
    assertEquals(
      await untyped.wait_until_succeeds("echo a", { timeout: 60 }),
      "a\n",
    );
    assertEquals(machine.state_dir, machine.stateDir);
  });

  await t.step(
    "what a stopped machine can't do names the machine",
    async () => {
      await machine.crash();
      assertEquals(machine.booted, false);
      for (
        const deed of [
          () => machine.sendMonitorCommand("info status"),
          () => machine.sendKey("a"),
          () => machine.screenshot("a"),
          () => machine.sendConsole("a"),
          () => machine.block(),
        ]
      ) {
        await assertRejects(deed, MachineError, "tiny is not running");
      }
      assertEquals(machine.isUp(), false);
    },
  );
});
