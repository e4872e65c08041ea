import { assertEquals } from "@std/assert";
import { StartCommand } from "../../src/backend/mod.ts";
import { panicDevice } from "../../src/backend/qemu/panic_device.ts";

const own = Deno.build.arch === "x86_64" ? "pvpanic" : undefined;

/** A start command, and the device that its machine takes. */
const COMMANDS: [command: string, device: string | undefined][] = [
  ["qemu-system-x86_64 -m 16", "pvpanic"],
  ["qemu-system-x86_64 -M pc -accel tcg", "pvpanic"],
  ["qemu-system-x86_64 -machine type=q35,accel=kvm", "pvpanic"],
  ["qemu-system-x86_64 -machine pc-i440fx-7.2", "pvpanic"],
  ["qemu-system-x86_64 -machine accel=kvm:tcg -cpu max", "pvpanic"],
  ["qemu-system-i386 -M 'pc'", "pvpanic"],
  ["/nix/store/x-qemu/bin/qemu-kvm -cpu max", own],
  ["qemu-system-x86_64 -M microvm", undefined],
  ["qemu-system-x86_64 -M isapc", undefined],
  ["qemu-system-x86_64 -M none", undefined],
  ['qemu-system-x86_64 -M "$type"', undefined],
  ["qemu-system-x86_64 -M pc -device pvpanic,ioport=1285", undefined],
  ["qemu-system-aarch64 -M virt,gic-version=max", "pvpanic-pci"],
  ["qemu-system-aarch64 -M raspi3b", undefined],
  ["qemu-system-aarch64", undefined],
  ["qemu-system-riscv64 -M virt", undefined],
  ["qemu-system-x86_64 || qemu-system-aarch64 -M virt", undefined],
  ["./start", undefined],
];

for (const [command, device] of COMMANDS) {
  Deno.test(`a machine of \`${command}\` has ${device ?? "no device"} for panics`, () => {
    assertEquals(panicDevice(new StartCommand(command), ""), device);
  });
}

Deno.test("a script's file and QEMU_OPTS count", async () => {
  const script = await Deno.makeTempFile();
  await Deno.writeTextFile(
    script,
    "#!/bin/sh\nexec qemu-system-x86_64 $QEMU_OPTS\n",
  );
  const command = new StartCommand(script);
  assertEquals(panicDevice(command, ""), "pvpanic");
  assertEquals(panicDevice(command, "-device pvpanic"), undefined);
  assertEquals(panicDevice(command, "-M microvm"), undefined);
  await Deno.remove(script);
});
