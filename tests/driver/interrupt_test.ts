import { assertEquals, assertRejects } from "@std/assert";
import { Driver, Log } from "../../mod.ts";

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
