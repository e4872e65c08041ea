import type { Adaptation } from "./arguments.ts";

/** A machine type without PCI; QEMU names the first of the driver's devices. */
const NO_PCI = /No 'PCI' bus found for device 'virtio-serial-/;
/** A machine type without any place for virtio devices. */
const NO_VIRTIO = /No 'virtio-bus' bus found for device 'virtio-serial-/;
/** A QEMU or a machine type without it, or one that has one already. */
const NO_PANIC_DEVICE = /pvpanic/;
/** Something else that the start script puts on stdio. */
const STDIO_TAKEN = /cannot use stdio by multiple character devices/;
const DAEMON = / with -daemonize/;

/**
 * How QEMU is to be started instead, after it ended with these words; nothing
 * where that would not help.
 */
export function adapted(
  said: string,
  before: Adaptation,
): Adaptation | undefined {
  if (before.bus === "default" && NO_PCI.test(said)) {
    return { ...before, bus: "mmio" };
  }
  if (!before.ownSerial && STDIO_TAKEN.test(said)) {
    return { ...before, ownSerial: true };
  }
  if (!before.withoutPanicDevice && NO_PANIC_DEVICE.test(said)) {
    return { ...before, withoutPanicDevice: true };
  }
}

/** Whether a line is only about what {@linkcode adapted} avoids. */
export function isAvoidable(line: string, adaptation: Adaptation): boolean {
  return adapted(line, adaptation) !== undefined ||
    (!adaptation.ownSerial && /could not connect serial device/.test(line));
}

/** What the author of a start script can do about QEMU's words. */
export function adviceFor(said: string): string | undefined {
  if (NO_VIRTIO.test(said)) {
    return "the driver's devices are virtio ones, on PCI or virtio-mmio, and " +
      "this machine type has neither: choose one that has, such as -M pc, q35, " +
      "microvm or virt";
  }
  if (STDIO_TAKEN.test(said)) {
    return "the driver reads the guest's serial console from QEMU's stdout: " +
      "take -monitor stdio, or whatever else is on stdio, out of the start script";
  }
  if (DAEMON.test(said)) {
    return "the driver ends QEMU with the process that it started: take " +
      "-daemonize out of the start script";
  }
}
