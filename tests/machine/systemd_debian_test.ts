import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { TestFailure } from "../../mod.ts";
import { booted } from "./booted.ts";

/** A unit file and its contents. */
function unit(name: string, ...lines: string[]): string {
  return `printf '%s\\n' ${
    lines.map((line) => `'${line}'`).join(" ")
  } >/run/systemd/system/${name}`;
}

Deno.test("systemd in a guest", async (t) => {
  await using test = await booted({ guest: "debian" });
  const { machine } = test;
  // Each reload of systemd takes seconds.
  await machine.succeed(
    unit(
      "slow.service",
      "[Service]",
      "Type=oneshot",
      "RemainAfterExit=yes",
      'ExecStart=/bin/sh -c "until [ -e /run/go ]; do sleep 0.1; done"',
    ),
    // It has failed once its start is over.
    unit("broken.service", "[Service]", "Type=oneshot", "ExecStart=/bin/false"),
    unit(
      "breaks.service",
      "[Service]",
      "Type=oneshot",
      'ExecStart=/bin/sh -c "sleep 1; exit 3"',
    ),
    unit("idle.service", "[Service]", "ExecStart=/bin/sleep 1000"),
    unit(
      "never.service",
      "[Service]",
      "Type=oneshot",
      "ExecStart=/bin/sleep 1000",
    ),
    "systemctl daemon-reload",
  );

  await t.step("waitForUnit() waits until a unit is active", async () => {
    await machine.waitForUnit("multi-user.target", { timeout: 600 });
    await machine.waitForUnit("nginx", { timeout: 600 });
    await machine.waitForUnit("nginx.service");
  });

  await t.step("waitForUnit() sees a unit become active", async () => {
    await machine.succeed(
      "systemctl start --no-block slow",
    );
    const waiting = machine.waitForUnit("slow", { timeout: 300 });
    const outcome = waiting.then(() => "active");
    assertEquals(
      await Promise.race([outcome, machine.succeed("echo not yet")]),
      "not yet\n",
    );
    await machine.succeed("touch /run/go");
    assertEquals(await outcome, "active");
  });

  await t.step(
    "waitForUnit() fails at once for a unit that fails",
    async () => {
      await machine.systemctl("start broken");
      await assertRejects(
        () => machine.waitForUnit("broken"),
        TestFailure,
        'unit "broken" reached state "failed"',
      );
      await machine.systemctl("start --no-block breaks");
      await assertRejects(
        () => machine.waitForUnit("breaks"),
        TestFailure,
        'unit "breaks" reached state "failed"',
      );
    },
  );

  await t.step(
    "waitForUnit() fails at once for a unit that nobody starts",
    async () => {
      await assertRejects(
        () => machine.waitForUnit("idle"),
        TestFailure,
        'unit "idle" is inactive and there are no pending jobs',
      );
    },
  );

  await t.step(
    "waitForUnit() gives up at its timeout, with the unit's status",
    async () => {
      await machine.succeed(
        "systemctl start --no-block never",
      );
      const error = await assertRejects(
        () => machine.waitForUnit("never", { timeout: 5 }),
        TestFailure,
      );
      assertMatch(
        error.message,
        /^unit "never" did not become active in 5 seconds; its last status:\n/,
      );
      assertStringIncludes(error.message, "activating");
      await machine.systemctl("kill -s KILL never");
    },
  );

  await t.step(
    "systemctl() answers the status and what it prints",
    async () => {
      assertEquals(await machine.systemctl("is-active nginx"), [0, "active\n"]);
      assertEquals((await machine.systemctl("is-active idle"))[0], 3);
    },
  );

  await t.step("startJob() and stopJob() start and stop units", async () => {
    assertEquals(await machine.startJob("idle"), [0, ""]);
    await machine.requireUnitState("idle");
    await machine.requireUnitState("idle", "active");
    await machine.waitForUnit("idle");
    assertEquals(await machine.stopJob("idle"), [0, ""]);
    await machine.requireUnitState("idle", "inactive");
    assert((await machine.startJob("no-such-unit"))[0] !== 0);
  });

  await t.step("requireUnitState() says the state there is", async () => {
    await assertRejects(
      () => machine.requireUnitState("idle"),
      TestFailure,
      "Expected unit 'idle' to be in state 'active' but it is in state 'inactive'",
    );
  });

  await t.step(
    "getUnitInfo() and getUnitProperty() answer properties",
    async () => {
      const info = await machine.getUnitInfo("nginx");
      assertEquals(info.ActiveState, "active");
      assertEquals(info.Id, "nginx.service");
      assertMatch(info.Description, /web server/);
      assertEquals(
        await machine.getUnitProperty("nginx", "ActiveState"),
        "active",
      );
      await assertRejects(
        () => machine.getUnitProperty("nginx", "NoSuchProperty"),
        TestFailure,
        'systemctl knows no property "NoSuchProperty" of unit "nginx"',
      );
    },
  );

  await t.step(
    "quotes in a unit's name have no meaning to the shell",
    async () => {
      await assertRejects(
        () => machine.waitForUnit("a'b; touch /tmp/oops", { timeout: 30 }),
        TestFailure,
      );
      await machine.fail("[ -e /tmp/oops ]");
    },
  );

  await t.step("a user's own units are asked for with the user", async () => {
    await machine.succeed("loginctl enable-linger alice");
    await machine.waitForUnit("user@1000.service", { timeout: 300 });
    await machine.waitForUnit("default.target", {
      user: "alice",
      timeout: 300,
    });
    const [status, output] = await machine.systemctl(
      "is-active default.target",
      "alice",
    );
    assertEquals([status, output], [0, "active\n"]);
    assertEquals(
      (await machine.getUnitInfo("default.target", "alice")).Id,
      "default.target",
    );
    await assertRejects(
      () => machine.waitForUnit("no-such-unit", { user: "alice" }),
      TestFailure,
      "no-such-unit",
    );
  });

  await t.step("an unknown user fails with the name", async () => {
    await assertRejects(
      () => machine.waitForUnit("default.target", { user: "nobody-here" }),
      TestFailure,
      'under user "nobody-here" failed with exit code',
    );
  });

  await t.step("ports and sockets are waited for", async () => {
    await machine.waitForOpenPort(80, { timeout: 300 });
    assertStringIncludes(
      await machine.succeed("curl -sf http://localhost/"),
      "This page is served by",
    );
    await machine.stopJob("nginx");
    await machine.waitForClosedPort(80, { timeout: 300 });
    const error = await assertRejects(
      () => machine.waitForOpenPort(80, { timeout: 5 }),
      TestFailure,
    );
    assertMatch(
      error.message,
      /last seen:\nnothing listens on port 80 of localhost; no other port is open/,
    );
  });

  await t.step(
    "waitForOpenUnixSocket() waits until somebody listens",
    async () => {
      const stream = machine.waitForOpenUnixSocket("/tmp/stream", {
        timeout: 300,
      });
      await machine.execute("exec nc -lkU /tmp/stream", { checkOutput: false });
      await stream;
      const datagram = machine.waitForOpenUnixSocket("/tmp/datagram", {
        isDatagram: true,
        timeout: 300,
      });
      await machine.execute("exec nc -lkuU /tmp/datagram", {
        checkOutput: false,
      });
      await datagram;
      // A socket that nobody listens on any more is not open.
      await machine.succeed("pkill nc; [ -S /tmp/stream ]");
      await machine.waitUntilFails("nc -zU /tmp/stream", { timeout: 60 });
      await assertRejects(
        () => machine.waitForOpenUnixSocket("/tmp/stream", { timeout: 1 }),
        TestFailure,
        "waiting for UNIX-domain stream on '/tmp/stream' timed out after 1 seconds",
      );
    },
  );

  await t.step(
    "waitForOpenUnixSocket() finds abstract names and relative paths, as far as it can without a program",
    async () => {
      const server = `
        use Socket;
        socket(my $padded, PF_UNIX, SOCK_STREAM, 0);
        bind($padded, pack("S a108", AF_UNIX, "\\0padded"));
        listen($padded, 1);
        socket(my $spaced, PF_UNIX, SOCK_DGRAM, 0);
        bind($spaced, pack("S a*", AF_UNIX, "\\0tmp/a datagram"));
        chdir "/tmp";
        socket(my $relative, PF_UNIX, SOCK_STREAM, 0);
        bind($relative, sockaddr_un("relative"));
        listen($relative, 1);
        sleep 1000`;
      await machine.execute(`exec perl -e '${server}'`, { checkOutput: false });
      const within = { timeout: 300 };
      await machine.waitForOpenUnixSocket("@padded", within);
      await machine.waitForOpenUnixSocket("@tmp/a datagram", {
        isDatagram: true,
        ...within,
      });
      // By connecting: the kernel tells no directory.
      await machine.waitForOpenUnixSocket("/tmp/relative", within);
      await machine.succeed("mv /bin/nc.openbsd /bin/nc.gone");
      await machine.waitForOpenUnixSocket(
        "/var/run/dbus/system_bus_socket",
        within,
      );
      await machine.succeed("mv /bin/nc.gone /bin/nc.openbsd; pkill perl");
      const error = await assertRejects(
        () => machine.waitForOpenUnixSocket("@tmp/a datagram", { timeout: 5 }),
        TestFailure,
      );
      assertMatch(
        error.message,
        /nobody has the abstract stream socket @tmp\/a datagram; there are: /,
      );
    },
  );

  await t.step("the journal is on the console", async () => {
    await machine.succeed(
      "echo 'a line for the journal' | systemd-cat -t test",
    );
    await machine.waitForConsoleText("a line for the journal", {
      timeout: 300,
    });
  });

  await t.step(
    "dumpTtyContents() puts a terminal into the journal",
    async () => {
      await machine.waitUntilTtyMatches(1, "login:", { timeout: 600 });
      await machine.dumpTtyContents(1);
      await machine.waitUntilSucceeds("journalctl -b | grep login:", {
        timeout: 300,
      });
    },
  );

  await t.step("files go there and come back", async () => {
    await machine.copyFromMachine("/etc/os-release");
    assertStringIncludes(
      await Deno.readTextFile(`${test.outDir}/os-release`),
      "Debian",
    );
    await machine.copyFromHost(`${test.outDir}/os-release`, "/root/a/b");
    await machine.succeed("cmp /root/a/b /etc/os-release");
  });

  await t.step(
    "limitCpu() leaves its slices a part of the processor",
    async () => {
      const most = () =>
        machine.succeed("cat /sys/fs/cgroup/{system,user}.slice/cpu.max");
      await machine.succeed(
        "systemctl set-property --runtime user.slice CPUQuota=80%",
      );
      const count = Number(await machine.succeed("nproc"));
      const limit = await machine.limitCpu(0.25);
      const part = `${25_000 * count} 100000\n`;
      assertEquals(await most(), part + part);
      await limit.heal();
      assertEquals(await most(), "max 100000\n80000 100000\n");
    },
  );

  await t.step("shutdown() stops the units and powers off", async () => {
    await machine.shutdown();
    assertEquals(machine.booted, false);
  });
});
