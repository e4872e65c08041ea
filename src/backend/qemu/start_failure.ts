import type { Adaptation } from "./arguments.ts";

/**
 * QEMU prints this for a machine type without PCI. It names the first of the
 * driver's devices.
 */
const NO_PCI = /No 'PCI' bus found for device 'virtio-serial-/;
/** For a machine type without any place for virtio devices. */
const NO_VIRTIO = /No 'virtio-bus' bus found for device 'virtio-serial-/;
/**
 * For a QEMU or a machine type without the panic device, or one that has it
 * already.
 */
const NO_PANIC_DEVICE = /pvpanic/;
/** The same for the device that reports a snapshot. */
const NO_GENERATION_DEVICE = /vmgenid/;
/** For a guest with other memory than the one that was saved. */
const NO_MAPPING = /mem-path|memory-backend|backing store/;
/** An accelerator whose instructions QEMU does not count. */
const UNCOUNTED = /-icount is not allowed|icount.*(?:not supported|requires)/i;
/** For a start script that puts something else on stdio. */
const STDIO_TAKEN = /cannot use stdio by multiple character devices/;
const DAEMON = / with -daemonize/;

/**
 * Decides how to start QEMU after it has ended with these messages; nothing, if
 * no other way would help.
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
  if (!before.withoutGenerationDevice && NO_GENERATION_DEVICE.test(said)) {
    return { ...before, withoutGenerationDevice: true };
  }
  if (!before.ownMemory && NO_MAPPING.test(said)) {
    return { ...before, ownMemory: true };
  }
}

/** Whether a line is only about something that {@linkcode adapted} avoids. */
export function isAvoidable(line: string, adaptation: Adaptation): boolean {
  return adapted(line, adaptation) !== undefined ||
    (!adaptation.ownSerial && /could not connect serial device/.test(line));
}

/**
 * Tells the author of a start script how to remove the cause of QEMU's
 * messages.
 */
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
  if (UNCOUNTED.test(said)) {
    return "fastForward counts the guest's instructions, which QEMU does only " +
      "if it emulates the processor: have the start script say -accel tcg";
  }
  if (DAEMON.test(said)) {
    return "the driver takes the end of the process that it started for QEMU's " +
      "end: take -daemonize out of the start script";
  }
}
