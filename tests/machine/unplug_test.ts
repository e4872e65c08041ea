import { assertEquals, assertRejects } from "@std/assert";
import { Driver, Log, MachineError } from "../../mod.ts";

Deno.test("a disk on a bus that keeps its devices can't be taken out, and that is told", async () => {
  const outDir = await Deno.makeTempDir();
  const log = new Log();
  const told: string[] = [];
  log.addListener({
    on: (event) => void (event.type === "message" && told.push(event.text)),
  });
  {
    await using driver = await Driver.create({
      machines: [{
        name: "web",
        startCommand: "exec qemu-system-x86_64 -M q35 -m 16 -S -nodefaults " +
          "-blockdev null-co,node-name=nothing,read-zeroes=on " +
          "-device virtio-blk-pci,drive=nothing,id=data",
      }],
      outDir,
      log,
    });
    const [machine] = driver.machines;
    await machine.start();
    const error = await assertRejects(
      () => machine.disk("data").detach(),
      MachineError,
    );
    assertEquals(
      error.message,
      "web can't lose its disk data while it runs (Bus 'pcie.0' does not " +
        "support hotplugging): on machine types such as q35 and virt, have " +
        "the start script put it on a -device pcie-root-port",
    );
    assertEquals(told.filter((text) => text.includes("detached")), []);
  }
  await log.close();
  await Deno.remove(outDir, { recursive: true });
});
