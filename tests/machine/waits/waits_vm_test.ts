import {
  assert,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  type MachineOf,
  TestFailure,
  UsageError,
  type WaitOptions,
} from "../../../mod.ts";
import { booted } from "../booted.ts";

Deno.test("waits in a guest", async (t) => {
  await using test = await booted();
  const { machine } = test;
  await machine.connect();

  await t.step("waitForFile() finds what is there", async () => {
    await machine.waitForFile("/etc/passwd");
    await machine.waitForFile("/etc");
  });

  await t.step(
    "waitForFile() answers when the file appears",
    async () => {
      const waiting = machine.waitForFile("/tmp/it's here", { timeout: 60 });
      await machine.succeed('touch "/tmp/it\'s here"');
      await waiting;
    },
  );

  await t.step(
    "waitForFile() takes patterns and variables of the shell",
    async () => {
      await machine.succeed("mkdir -p /tmp/d; touch /tmp/d/server-1.log");
      await machine.waitForFile("/tmp/d/server-*.log", { timeout: 60 });
      await machine.waitForFile("$HOME", { timeout: 60 });
      await machine.waitForFile("~", { timeout: 60 });
      // A name that looks like a pattern is found as such too.
      await machine.succeed("touch '/tmp/d/a[b]c'");
      await machine.waitForFile("/tmp/d/a[b]c", { timeout: 60 });
    },
  );

  await t.step("a wait of 0 seconds looks once", async () => {
    const now = { timeout: 0 };
    await machine.waitForFile("/etc/passwd", now);
    await machine.waitForClosedPort(4447, now);
    for (
      const look of [
        () => machine.waitForFile("/tmp/d/missing", now),
        () => machine.waitForOpenPort(4447, now),
        () => machine.waitForOpenUnixSocket("@nobody", now),
      ]
    ) {
      await assertRejects(look, TestFailure, "timed out after 0 seconds");
    }
  });

  await t.step("waitForFile() says what there was instead", async () => {
    const error = await assertRejects(
      () => machine.waitForFile("/tmp/d/missing", { timeout: 3 }),
      TestFailure,
    );
    assertMatch(
      error.message,
      /^waiting for file '\/tmp\/d\/missing' timed out after 3 seconds; last seen:\n/,
    );
    assertMatch(error.message, / \/tmp\/d$/m);
  });

  await t.step("waitForOpenPort() fails with who listens", async () => {
    const error = await assertRejects(
      () => machine.waitForOpenPort(4444, { timeout: 3 }),
      TestFailure,
    );
    assertMatch(
      error.message,
      /^waiting for TCP port 4444 on localhost timed out after 3 seconds; last seen:\n/,
    );
    assertStringIncludes(
      error.message,
      "nothing listens on port 4444 of localhost",
    );
  });

  await t.step("waitForOpenPort() says why a port takes nothing", async () => {
    await machine.execute(
      "echo $$ >/tmp/nc.pid; exec nc -ll -p 4448 -e true >/dev/null 2>&1",
      { checkOutput: false },
    );
    await machine.waitForOpenPort(4448, { timeout: 60 });
    await machine.succeed("ip link set lo down");
    await assertRejects(
      () => machine.waitForOpenPort(4448, { timeout: 1 }),
      TestFailure,
      "a process listens on port 4448 of localhost, " +
        "but nothing answers at port 4448 of localhost within 1 s",
    );
    await machine.succeed("ip link set lo up; kill $(cat /tmp/nc.pid)");
  });

  await t.step(
    "waitForOpenPort() sees a port open, and waitForClosedPort() sees it close",
    async () => {
      const waiting = machine.waitForOpenPort(4445, { timeout: 60 });
      await machine.execute(
        "echo $$ >/tmp/nc.pid; exec nc -ll -p 4445 -e true >/dev/null 2>&1",
        { checkOutput: false },
      );
      await waiting;
      await machine.waitForOpenPort(4445, { addr: "127.0.0.1", timeout: 60 });
      const error = await assertRejects(
        () => machine.waitForClosedPort(4445, { timeout: 3 }),
        TestFailure,
      );
      assertMatch(
        error.message,
        /^waiting for TCP port 4445 on localhost to be closed timed out after 3 seconds; last seen:\na process listens on port 4445 of localhost/,
      );
      const closing = machine.waitForClosedPort(4445, { timeout: 60 });
      await machine.succeed("kill $(cat /tmp/nc.pid)");
      await closing;
    },
  );

  await t.step(
    "waitForOpenPort() takes an address that is not this machine's",
    async () => {
      await assertRejects(
        () => machine.waitForOpenPort(1, { addr: "10.0.2.15", timeout: 3 }),
        TestFailure,
        "waiting for TCP port 1 on 10.0.2.15 timed out",
      );
    },
  );

  await t.step("a wrong port is refused", async () => {
    for (const port of [-1, 65536, 1.5, NaN]) {
      await assertRejects(
        async () => await machine.waitForOpenPort(port),
        UsageError,
        `Expected a TCP port from 0 to 65535, got ${port}`,
      );
    }
  });

  await t.step(
    "waitForOpenUnixSocket() says what there was instead",
    async () => {
      await machine.succeed("touch /tmp/no-socket");
      const error = await assertRejects(
        () => machine.waitForOpenUnixSocket("/tmp/no-socket", { timeout: 3 }),
        TestFailure,
      );
      assertMatch(
        error.message,
        /^waiting for UNIX-domain stream on '\/tmp\/no-socket' timed out after 3 seconds; last seen:\n-rw.* \/tmp\/no-socket$/,
      );
      await assertRejects(
        () =>
          machine.waitForOpenUnixSocket("/tmp/nothing", {
            isDatagram: true,
            timeout: 3,
          }),
        TestFailure,
        "waiting for UNIX-domain datagram on '/tmp/nothing' timed out",
      );
    },
  );

  await t.step(
    "waitForOpenUnixSocket() finds a socket by each of its paths, without a program",
    async () => {
      // The one server of UNIX sockets in this guest.
      await machine.execute("exec syslogd -n", { checkOutput: false });
      const isDatagram = true;
      await machine.waitForOpenUnixSocket("/dev/log", {
        isDatagram,
        timeout: 60,
      });
      await machine.succeed("ln -s /dev /tmp/devices");
      await machine.waitForOpenUnixSocket("/tmp/devices/log", {
        isDatagram,
        timeout: 60,
      });
      await assertRejects(
        () => machine.waitForOpenUnixSocket("/dev/log", { timeout: 3 }),
        TestFailure,
        "waiting for UNIX-domain stream on '/dev/log' timed out",
      );
      await machine.succeed("kill -9 $(pidof syslogd); [ -S /dev/log ]");
      await assertRejects(
        () =>
          machine.waitForOpenUnixSocket("/dev/log", { isDatagram, timeout: 3 }),
        TestFailure,
        "timed out",
      );
      await assertRejects(
        () => machine.waitForOpenUnixSocket("@none", { timeout: 3 }),
        TestFailure,
        "last seen:\nnobody has the abstract stream socket @none; there are: none",
      );
    },
  );

  await t.step("waitForWindow() says why there are no windows", async () => {
    const error = await assertRejects(
      () => machine.waitForWindow("never", { timeout: 3 }),
      TestFailure,
    );
    assertMatch(error.message, /; last seen:\n.*xwininfo: command not found$/);
  });

  await t.step(
    "a number in place of options is the timeout, and nothing else is",
    async () => {
      for (
        const wait of [
          () => machine.waitForFile("/tmp/never", 0.1),
          () => machine.wait_for_open_port(4444, 0.1),
          () => machine.waitUntilSucceeds("false", 0.1),
          () => machine.waitForConsoleText("never said", 0.1),
          () => machine.waitUntilTtyMatches(1, "never shown", 0.1),
          () => machine.waitForQmpEvent(() => false, 0.1),
        ]
      ) {
        await assertRejects(wait, TestFailure, "0.1 seconds");
      }
      for (const options of ["5", [5], null]) {
        await assertRejects(
          () => machine.waitForFile("/etc", options as unknown as number),
          UsageError,
          "Expected a wait's options, such as { timeout: 5 }, got",
        );
      }
    },
  );

  await t.step(
    "methods with a pattern refuse anything else",
    async () => {
      for (const pattern of ["(", undefined as unknown as string]) {
        for (
          const wait of [
            () => machine.waitForText(pattern),
            () => machine.waitForWindow(pattern),
            () => machine.waitForConsoleText(pattern),
            () => machine.waitUntilTtyMatches(1, pattern),
          ]
        ) {
          const waiting = wait();
          await assertRejects(() => waiting, UsageError, "egular expression");
        }
      }
    },
  );

  await t.step("many waits at once do not disturb each other", async () => {
    const waits = Array.from(
      { length: 10 },
      (_, n) => machine.waitForFile(`/tmp/many-${n}`, { timeout: 120 }),
    );
    await machine.succeed("touch /tmp/many-{9,8,7,6,5,4,3,2,1,0}");
    await Promise.all(waits);
  });

  await t.step(
    "a command is tried rarely while nothing happens in the guest",
    async () => {
      const tries = async () =>
        Number((await machine.succeed("wc -l </tmp/tries")).trim());
      await assertRejects(() =>
        machine.waitUntilSucceeds("echo >>/tmp/tries; false", { timeout: 4 })
      );
      // Were it tried as soon as may be, that would be some eighty times.
      assert(await tries() < 30, `${await tries()} tries`);
    },
  );

  await t.step("a wait costs the guest next to nothing", async () => {
    const waiting = machine.waitForFile("/tmp/end", { timeout: 120 });
    // Processes that were started since the boot: none belongs to the wait.
    const forks = "awk '$1 == \"processes\" { print $2 }' /proc/stat";
    const before = Number(await machine.succeed(forks));
    await machine.sleep(1);
    const after = Number(await machine.succeed(forks));
    await machine.succeed("touch /tmp/end");
    await waiting;
    assert(after - before < 20, `${after - before} processes were started`);
  });

  await t.step(
    "a wait that is interrupted leaves nothing in the guest",
    async () => {
      const waiting = machine.waitForFile("/tmp/never");
      const failed = assertRejects(() => waiting, Error, "enough");
      await machine.succeed("true");
      test.driver.interrupt(new Error("enough"));
      await failed;
      await machine.succeed("true");
    },
  );
});

type Wait = (
  machine: MachineOf<"qemu">,
  options: WaitOptions,
) => Promise<unknown>;

/** Each wait for what never comes, but for that of `true`. */
const WAITS: Record<"byShell" | "fromOutside", Record<string, Wait>> = {
  byShell: {
    waitForFile: (m, how) => m.waitForFile("/never", how),
    waitForOpenPort: (m, how) => m.waitForOpenPort(4444, how),
    waitForClosedPort: (m, how) => m.waitForClosedPort(4445, how),
    waitForOpenUnixSocket: (m, how) => m.waitForOpenUnixSocket("@never", how),
    waitForX: (m, how) => m.waitForX(how),
    waitForWindow: (m, how) => m.waitForWindow("never", how),
    waitUntilSucceeds: (m, how) => m.waitUntilSucceeds("false", how),
    waitUntilFails: (m, how) => m.waitUntilFails("true", how),
    waitUntilTtyMatches: (m, how) => m.waitUntilTtyMatches(1, "never", how),
  },
  fromOutside: {
    waitForConsoleText: (m, how) => m.waitForConsoleText("never", how),
    waitForQmpEvent: (m, how) => m.waitForQmpEvent(() => false, how),
    waitForShutdown: (m, how) => m.waitForShutdown(how),
  },
};

Deno.test("a timeout has the same meaning in every wait", async (t) => {
  await using test = await booted();
  const { machine } = test;
  const timeout = 2;
  /**
   * Milliseconds that are left of it when this program has seen that the machine
   * is up, which a busy host may let it do late.
   */
  const LEAST = timeout * 1000 / 4;
  /** When a wait failed by its timeout. */
  const failed = async ([name, wait]: [string, Wait]) => {
    const error = await assertRejects(
      () => wait(machine, { timeout }),
      TestFailure,
      undefined,
      name,
    );
    assertStringIncludes(error.message, `${timeout} seconds`, name);
    return [name, performance.now()] as const;
  };

  await t.step("it counts from when the machine is up", async () => {
    // All of them begin before the guest does.
    const started = machine.start().then(() => performance.now());
    const { waitForShutdown: _, ...outside } = WAITS.fromOutside;
    const fromOutside = Object.entries(outside).map(failed);
    await machine.start();
    const { waitForClosedPort: __, ...inside } = WAITS.byShell;
    const byShell = Object.entries(inside).map(failed);
    await machine.connect();
    const connected = performance.now();
    for (const [name, at] of await Promise.all(byShell)) {
      assert(at - connected > LEAST, `${name}: ${at - connected}`);
    }
    for (const [name, at] of await Promise.all(fromOutside)) {
      const after = at - await started;
      assert(after > LEAST, `${name}: ${after}`);
    }
    // These need a guest first.
    await machine.succeed("nc -ll -p 4445 -e true >/dev/null 2>&1 &");
    await machine.waitForOpenPort(4445, { timeout: 60 });
    const { waitForClosedPort } = WAITS.byShell;
    await failed(["waitForClosedPort", waitForClosedPort]);
    await failed(["waitForShutdown", WAITS.fromOutside.waitForShutdown]);
  });

  await t.step("null is no limit", async () => {
    const reason = new Error("that was long enough");
    const waiting = Object.values(WAITS).flatMap(Object.entries<Wait>).map(
      ([name, wait]) =>
        assertRejects(
          () => wait(machine, { timeout: null }),
          Error,
          reason.message,
          name,
        ),
    );
    await machine.sleep(2);
    test.driver.interrupt(reason);
    await Promise.all(waiting);
  });

  await t.step("a wrong number of seconds is refused", async () => {
    for (
      const [name, wait] of Object.values(WAITS).flatMap(Object.entries<Wait>)
    ) {
      for (const timeout of [-1, NaN, "5" as unknown as number]) {
        await assertRejects(
          async () => await wait(machine, { timeout }),
          UsageError,
          `Expected a timeout of zero or more seconds, got ${
            Deno.inspect(timeout)
          }`,
          name,
        );
      }
    }
  });
});
