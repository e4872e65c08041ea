import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { MachineError, QmpError, TestFailure, UsageError } from "../../mod.ts";
import { freePort } from "../free_port.ts";
import { booted } from "./booted.ts";

Deno.test("QEMU's side of a guest", async (t) => {
  await using test = await booted();
  const { machine } = test;
  await machine.connect();

  await t.step(
    "forwardPort() leads a connection of the host into the guest",
    async () => {
      const port = freePort("127.0.0.1");
      await machine.forwardPort(port, 8000);
      await machine.execute(
        "echo 'hello from the guest' | nc -l -p 8000 >/tmp/got",
        { checkOutput: false },
      );
      await machine.waitUntilSucceeds("grep -q ':1F40 .* 0A ' /proc/net/tcp*", {
        timeout: 60,
      });
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(new TextEncoder().encode("hello from the host\n"));
      const buffer = new Uint8Array(100);
      const count = await connection.read(buffer);
      assertEquals(
        new TextDecoder().decode(buffer.subarray(0, count!)),
        "hello from the guest\n",
      );
      connection.close();
      await machine.waitUntilSucceeds(
        "grep -x 'hello from the host' /tmp/got",
        {
          timeout: 60,
        },
      );
    },
  );

  await t.step("forwardPort() fails for a port that is in use", async () => {
    using listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
    const error = await assertRejects(
      () => machine.forwardPort(listener.addr.port, 80),
      MachineError,
    );
    assertStringIncludes(
      error.message,
      `port ${listener.addr.port} of the host can't be forwarded to port 80 of tiny`,
    );
  });

  await t.step(
    "sendMonitorCommand() answers what the monitor says",
    async () => {
      assertMatch(
        await machine.sendMonitorCommand("info status"),
        /^VM status: running/,
      );
      assertMatch(
        await machine.sendMonitorCommand("nosuchcommand"),
        /unknown command/,
      );
    },
  );

  await t.step("qmpClient sends any command", async () => {
    const status = await machine.qmpClient.send("query-status");
    assertEquals((status as { running: boolean }).running, true);
    await assertRejects(
      () => machine.qmpClient.send("eject", { device: "nothing" }),
      QmpError,
      "QMP command eject failed",
    );
  });

  await t.step(
    "waitForQmpEvent() waits for what its filter accepts",
    async () => {
      const stopped = machine.waitForQmpEvent(({ event }) => event === "STOP");
      await machine.qmpClient.send("stop");
      assertEquals((await stopped).event, "STOP");
      const resumed = machine.waitForQmpEvent(
        ({ event }) => event === "RESUME",
        { timeout: 60 },
      );
      await machine.qmpClient.send("cont");
      await resumed;
      // QEMU tells of it before it answers.
      await machine.qmpClient.send("stop");
      await machine.qmpClient.send("cont");
      await machine.waitForQmpEvent(({ event }) => event === "STOP");
      await machine.waitForQmpEvent(({ event }) => event === "RESUME");
      await assertRejects(
        () => machine.waitForQmpEvent(() => false, { timeout: 0.1 }),
        TestFailure,
        "No such QMP event came in 0.1 seconds from tiny",
      );
    },
  );

  await t.step(
    "sshBackdoorCommand() says how to come in by a virtual socket",
    () => {
      assertMatch(machine.sshBackdoorCommand(7), /ssh .*vsock.*7/);
      for (const index of [undefined, 2]) {
        assertThrows(
          () => machine.sshBackdoorCommand(index),
          UsageError,
          "has no ssh backdoor",
        );
      }
    },
  );

  await t.step("a machine works on after all that", async () => {
    assert(machine.isUp());
    await machine.succeed("true");
  });
});

Deno.test("a look at a port ends soon, whatever is at the other end", async (t) => {
  await using test = await booted({ names: ["node1", "node2"], vlans: [1] });
  const [node1, node2] = test.machines;
  await test.driver.startAll();
  const addr = "192.168.1.2";
  await node2.succeed("nc -ll -p 80 -e true >/dev/null 2>&1 &");
  await node1.waitForOpenPort(80, { addr, timeout: 120 });

  await t.step("another machine's port is open, or it is not", async () => {
    const open = await assertRejects(
      () => node1.waitForClosedPort(80, { addr, timeout: 10 }),
      TestFailure,
    );
    assertStringIncludes(
      open.message,
      `a process listens on port 80 of ${addr}`,
    );
    const closed = await assertRejects(
      () => node1.waitForOpenPort(81, { addr, timeout: 10 }),
      TestFailure,
    );
    assertStringIncludes(
      closed.message,
      `connecting to port 81 of ${addr} fails: Connection refused`,
    );
  });

  await t.step("a machine that is gone has no open port", async () => {
    // The kernel knows for sure whom to send to, and goes on for two minutes.
    await node1.succeed(
      `arp -s ${addr} $(arp -n ${addr} | grep -o '\\(..:\\)\\{5\\}..')`,
    );
    await node2.crash();
    await node1.waitForClosedPort(80, { addr, timeout: 60 });
    const error = await assertRejects(
      () => node1.waitForOpenPort(80, { addr, timeout: 10 }),
      TestFailure,
    );
    assertStringIncludes(
      error.message,
      `last seen:\nnothing answers at port 80 of ${addr} within 1 s`,
    );
    // Nobody of the waits' is left who still tries to connect.
    await node1.waitUntilFails("grep ':0050 02 ' /proc/net/tcp", {
      timeout: 60,
    });
  });
});
