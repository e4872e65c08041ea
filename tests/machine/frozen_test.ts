/** The waits for a QEMU that hangs have a limit. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Driver, Log, MachineError } from "../../mod.ts";

Deno.test("requests to a QEMU that hangs fail, and it ends with the run", async () => {
  const outDir = await Deno.makeTempDir();
  const log = new Log();
  {
    await using driver = await Driver.create({
      machines: [{
        name: "web",
        startCommand:
          "exec qemu-system-x86_64 -M pc -m 16 -S -nodefaults -vga std",
      }],
      outDir,
      log,
    });
    const [machine] = driver.machines;
    await machine.start();
    await machine.screenshot("first");
    const { pid } = machine;
    Deno.kill(pid!, "SIGSTOP");
    const [failure, error] = await Promise.all([
      assertRejects(() => machine.screenshot("second"), MachineError),
      assertRejects(() =>
        machine.qmpClient.send("query-status", {}, { timeout: 1 })
      ),
    ]);
    assertEquals(
      failure.message,
      "web shows no screen: " +
        "QEMU has not answered the QMP command screendump in 30 seconds",
    );
    assertMatch((error as Error).message, /query-status in 1 seconds$/);
    await machine.crash();
    assertEquals(machine.isUp(), false);
  }
  await log.close();
  await Deno.remove(outDir, { recursive: true });
});
