import { assertEquals, assertRejects } from "@std/assert";
import { Driver, GlobalTimeout, Log, UsageError } from "../../mod.ts";

Deno.test("interrupt() ends pending waits, and none that begins later", async () => {
  const outDir = await Deno.makeTempDir();
  {
    await using driver = await Driver.create({ outDir, log: new Log() });
    const reason = new Error("enough");
    const never = driver.pollingCondition(() => false);
    const waits = [
      driver.retry(() => false, { interval: 1000 }),
      never.wait(),
    ];
    const ends = waits.map((wait) =>
      assertRejects(() => wait, Error, "enough")
    );
    // The condition's step of the log begins with a turn of its own.
    await driver.retry((last) => !last);
    driver.interrupt(reason);
    await Promise.all(ends);
    await driver.retry(() => true);
    assertEquals(driver.signal.aborted, false);
  }
  await Deno.remove(outDir, { recursive: true });
});

Deno.test("interrupt() ends waits for a boot", async () => {
  const outDir = await Deno.makeTempDir();
  {
    await using driver = await Driver.create({
      machines: ["sleep 1000; :"],
      outDir,
      log: new Log(),
    });
    const [machine] = driver.machines;
    const waits = [
      machine.succeed("true"),
      machine.connect(),
      machine.waitForText("login"),
    ];
    const ends = waits.map((wait) =>
      assertRejects(() => wait, Error, "enough")
    );
    // What waits begins with some turns of its own.
    await driver.retry((last) => !last);
    driver.interrupt(new Error("enough"));
    await Promise.all(ends);
  }
  await Deno.remove(outDir, { recursive: true });
});

Deno.test("the global timeout ends a start script that never runs QEMU", async () => {
  const outDir = await Deno.makeTempDir();
  {
    await using driver = await Driver.create({
      machines: ["sleep 1000; :"],
      outDir,
      log: new Log(),
      globalTimeout: 0.1,
      testScript: (driver) => driver.startAll(),
    });
    await assertRejects(() => driver.runTests(), GlobalTimeout);
  }
  await Deno.remove(outDir, { recursive: true });
});

Deno.test("a global timeout of months is not over at once", async () => {
  const outDir = await Deno.makeTempDir();
  {
    await using driver = await Driver.create({
      outDir,
      log: new Log(),
      globalTimeout: 90 * 24 * 3600,
      testScript: async (driver) => {
        let calls = 0;
        await driver.retry(() => ++calls === 5, { interval: 0.01 });
      },
    });
    await driver.runTests();
  }
  await assertRejects(
    () => Driver.create({ outDir, globalTimeout: NaN }),
    UsageError,
    "got NaN",
  );
  await Deno.remove(outDir, { recursive: true });
});
