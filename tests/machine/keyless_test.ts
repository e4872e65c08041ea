import { assertEquals, assertRejects } from "@std/assert";
import { Driver, Log, MachineError } from "../../mod.ts";

Deno.test("a machine without a keyboard takes no keys, and says so", async () => {
  const outDir = await Deno.makeTempDir();
  const log = new Log();
  {
    await using driver = await Driver.create({
      machines: [{
        name: "web",
        // It runs no guest; QEMU has no keyboard for this machine type.
        startCommand: "exec qemu-system-x86_64 -M microvm -m 16 -nodefaults",
      }],
      outDir,
      log,
    });
    const [machine] = driver.machines;
    await machine.start({ allowReboot: true });
    for (const press of [() => machine.sendKey("a"), () => machine.reboot()]) {
      const error = await assertRejects(press, MachineError);
      assertEquals(
        error.message,
        "web has no keyboard, as most machine types but the PC's: have the " +
          "start script say -device virtio-keyboard, or -device usb-ehci " +
          "-device usb-kbd",
      );
    }
  }
  await log.close();
  await Deno.remove(outDir, { recursive: true });
});
