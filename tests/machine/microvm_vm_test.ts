/** A guest without PCI is driven as any other. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Driver, Log, MachineError } from "../../mod.ts";
import { guest } from "../guests/mod.ts";
import { warningOf } from "./warning_of.ts";

/** The guest tiny on QEMU's machine type microvm, whose devices are virtio-mmio. */
async function microvmScript(directory: string): Promise<string> {
  const text = await Deno.readTextFile((await guest("tiny")).startScript);
  const path = `${directory}/run-tiny-vm`;
  const changes: [RegExp, string][] = [
    [/-M pc /, "-M microvm,acpi=on,pic=off,pit=off "],
    [
      /-net nic,netdev=user.0,model=virtio/,
      "-device virtio-net-device,netdev=user.0",
    ],
    [/-global virtio-net-pci.romfile=/, ""],
    [
      /-virtfs "local,(.*),mount_tag=shared"/,
      '-fsdev "local,id=shared,$1" -device virtio-9p-device,fsdev=shared,mount_tag=shared',
    ],
    // Only ACPI tells of the devices, and of their interrupts.
    [/ acpi=noirq/, ""],
    // Without KVM there is no other clock to measure this one by.
    [/ panic=1/, " panic=1 tsc_early_khz=2000000"],
  ];
  let changed = text;
  for (const [from, to] of changes) {
    assertMatch(changed, from);
    changed = changed.replace(from, to);
  }
  await Deno.writeTextFile(path, changed, { mode: 0o755 });
  return path;
}

Deno.test("a microvm, which has no PCI, is driven as any other machine", async () => {
  const outDir = await Deno.makeTempDir();
  const warnings: string[] = [];
  const log = new Log([{
    on: (event) => {
      const warning = warningOf(event);
      if (warning !== undefined) warnings.push(warning);
    },
  }]);
  try {
    await using driver = await Driver.create({
      machines: [await microvmScript(outDir)],
      outDir,
      log,
    });
    const [machine] = driver.machines;
    assertMatch(
      await machine.succeed("ls /sys/bus/virtio/devices/ -l"),
      /platform.*virtio0/,
    );
    assertEquals(await machine.succeed("ls /sys/bus/pci/devices/"), "");
    assertMatch(
      await machine.succeed("cat /sys/class/misc/hw_random/rng_current"),
      /^virtio_rng/,
    );
    await machine.waitForConsoleText(/Linux version/);
    await machine.waitForFile("/proc/version");
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    assertEquals(
      await Promise.all(numbers.map((n) => machine.succeed(`echo ${n}`))),
      numbers.map((n) => `${n}\n`),
    );
    await machine.copyFromHostViaShell(`${outDir}/run-tiny-vm`, "/tmp/copy");
    assertEquals(
      await machine.succeed("cat /tmp/copy"),
      await Deno.readTextFile(`${outDir}/run-tiny-vm`),
    );
    await assertRejects(
      () => machine.limitMemory(1e8),
      MachineError,
      "tiny has no memory balloon, and QEMU can't add one while it runs",
    );
    assertEquals(warnings, []);
  } finally {
    await log.close();
    await Deno.remove(outDir, { recursive: true });
  }
});
