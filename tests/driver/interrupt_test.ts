import { assertEquals, assertRejects } from "@std/assert";
import { Driver, GlobalTimeout, Log } from "../../mod.ts";

Deno.test("interrupt() ends what is waited for, and nothing that comes later", async () => {
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
