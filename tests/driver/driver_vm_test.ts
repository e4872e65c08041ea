import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  Driver,
  GlobalTimeout,
  Log,
  MachineError,
  TestFailure,
  UsageError,
} from "../../mod.ts";
import { guest } from "../guests/mod.ts";

Deno.test("two machines on a network", async (t) => {
  const tiny = await guest("tiny");
  const outDir = await Deno.makeTempDir();
  {
    await using driver = await Driver.create({
      machines: [tiny.startScriptFor("node2"), tiny.startScriptFor("node1")],
      vlans: [1, 1],
      outDir,
      log: new Log(),
    });
    const { node1, node2 } = driver.bindings() as Record<
      string,
      Driver<"qemu">["machines"][0]
    >;

    await t.step("are sorted and bound by name, with each VLAN once", () => {
      assertEquals(driver.machines, [node1, node2]);
      assertEquals(driver.vlans.map((vlan) => vlan.nr), [1]);
      assertEquals(driver.bindings().vlan1, driver.vlans[0]);
      assertEquals("machine" in driver.bindings(), false);
    });

    await t.step("start at the same time", async () => {
      await driver.startAll();
      assert(node1.booted && node2.booted);
      await Promise.all([node1.connect(), node2.connect()]);
    });

    await t.step("reach each other, until the cable is pulled", async () => {
      await node1.execute("nc -l -p 1234 </dev/null >/got &");
      await node2.waitUntilSucceeds("echo over | nc -w 1 192.168.1.1 1234", {
        timeout: 60,
      });
      await node1.waitUntilSucceeds("grep over /got", { timeout: 60 });
      await node2.block();
      await node2.fail("ping -c 1 -W 1 192.168.1.1");
      await node2.unblock();
      await node2.waitUntilSucceeds("ping -c 1 -W 1 192.168.1.1", {
        timeout: 60,
      });
    });

    await t.step("can't have names that there are already", () => {
      assertThrows(
        () => driver.createMachine(tiny.startScriptFor("node1")),
        UsageError,
        'two named "node1"',
      );
    });

    await t.step("are joined by one that the test makes itself", async () => {
      const extra = driver.createMachine(tiny.startScript, { name: "extra" });
      await extra.start();
      assert(extra.booted);
      assertEquals(driver.machines.includes(extra), false);
      assertThrows(
        () => driver.createMachine(tiny.startScript, { name: "extra" }),
        UsageError,
        'two named "extra"',
      );
    });

    await t.step("a condition that fails ends all waits", async () => {
      let checks = 0;
      const condition = driver.pollingCondition(() => ++checks < 3, {
        interval: 0.05,
        description: "fewer than three checks",
      });
      await condition.during(async () => {
        await assertRejects(
          () => node1.waitForConsoleText("what no guest says"),
          TestFailure,
          "fewer than three checks",
        );
      });
      assertEquals(checks, 3);
      assertEquals(await node1.succeed("echo on"), "on\n");
    });

    await t.step("a condition can be waited for", async () => {
      let checks = 0;
      await driver.pollingCondition(() => ++checks === 3, { interval: 0.01 })
        .wait({ timeout: 300 });
      assertEquals(checks, 3);
      await assertRejects(
        () =>
          driver.pollingCondition(() => false, { interval: 0.01 })
            .wait({ timeout: 0.1 }),
        TestFailure,
        "timed out",
      );
    });

    await t.step("a condition may ask machines itself", async () => {
      const condition = driver.pollingCondition(
        async () => (await node1.execute("true"))[0] === 0,
        { interval: 0.01 },
      );
      await condition.during(() => node1.succeed("sleep 0.1"));
    });

    await t.step("are waited for until they end", async () => {
      await node1.execute("poweroff", { checkReturn: false });
      await node2.execute("poweroff", { checkReturn: false });
      await driver.joinAll();
      assertEquals([node1.booted, node2.booted], [false, false]);
    });
  }
  await Deno.remove(outDir, { recursive: true });
});

Deno.test("the global timeout ends all pending actions", async () => {
  const tiny = await guest("tiny");
  const outDir = await Deno.makeTempDir();
  {
    await using driver = await Driver.create({
      machines: [tiny.startScript],
      outDir,
      log: new Log(),
      globalTimeout: 1,
      testScript: async ({ machines: [machine] }) => {
        await machine.start();
        await assertRejects(
          () => machine.waitForConsoleText("what no guest says"),
          GlobalTimeout,
        );
      },
    });
    await assertRejects(() => driver.runTests(), GlobalTimeout, "1 seconds");
  }
  await Deno.remove(outDir, { recursive: true });
});

Deno.test("two runs side by side have their own directories", async () => {
  const tiny = await guest("tiny");
  const outDirs = [await Deno.makeTempDir(), await Deno.makeTempDir()];
  const directories: string[] = [];
  {
    const drivers = await Promise.all(
      outDirs.map((outDir) =>
        Driver.create({ machines: [tiny.startScript], outDir, log: new Log() })
      ),
    );
    await using _first = drivers[0];
    await using _second = drivers[1];
    for (const { machines: [machine] } of drivers) {
      await machine.start();
      directories.push(machine.stateDir, machine.sharedDir);
      assertEquals(Deno.statSync(machine.stateDir).mode! & 0o777, 0o700);
      assertEquals(Deno.statSync(machine.sharedDir).mode! & 0o777, 0o700);
    }
    assertEquals(new Set(directories).size, 4);
  }
  for (const directory of directories) {
    assertThrows(() => Deno.statSync(directory), Deno.errors.NotFound);
  }
  for (const outDir of outDirs) await Deno.remove(outDir, { recursive: true });
});

Deno.test("state that is kept is there for the next run", async () => {
  const tiny = await guest("tiny");
  const outDir = await Deno.makeTempDir();
  const runtime = Deno.env.get("XDG_RUNTIME_DIR");
  Deno.env.set("XDG_RUNTIME_DIR", `${outDir}/runtime`);
  try {
    for (const expected of [false, true]) {
      await using driver = await Driver.create({
        machines: [tiny.startScript],
        outDir,
        log: new Log(),
        keepState: true,
      });
      const [machine] = driver.machines;
      await machine.start();
      const file = `${machine.stateDir}/left-by-a-run`;
      assertEquals(machine.stateDir, `${outDir}/runtime/vm-state-tiny`);
      const found = await Deno.stat(file).then(() => true, () => false);
      assertEquals(found, expected);
      await Deno.writeTextFile(file, "");
      // Another machine goes on with the state of one that has ended.
      const other = driver.createMachine(tiny.startScript, { name: "other" });
      assertThrows(
        () => machine.state_dir = other.state_dir,
        UsageError,
        "tiny can't be changed while it runs",
      );
      await machine.crash();
      other.state_dir = machine.state_dir;
      assertEquals(other.stateDir, machine.stateDir);
      assertThrows(() => other.stateDir = "", UsageError, "directory");
      await other.start();
      assertEquals(
        (await Deno.stat(`/proc/${other.pid}/cwd/left-by-a-run`)).isFile,
        true,
      );
    }
  } finally {
    if (runtime === undefined) Deno.env.delete("XDG_RUNTIME_DIR");
    else Deno.env.set("XDG_RUNTIME_DIR", runtime);
    await Deno.remove(outDir, { recursive: true });
  }
});

Deno.test("a start script that fails says why", async () => {
  const outDir = await Deno.makeTempDir();
  {
    await using driver = await Driver.create({
      machines: [{ name: "broken", startCommand: "echo no disk >&2; exit 3;" }],
      outDir,
      log: new Log(),
    });
    await assertRejects(
      () => driver.machines[0].start(),
      MachineError,
      "broken did not start: QEMU ended with status 3, and said last:\nno disk",
    );
  }
  await Deno.remove(outDir, { recursive: true });
});
