import { qemuValue } from "../start_command.ts";

/**
 * The number of ports that carry commands, and of those that carry stderr.
 *
 * With the console there may be 15 of them. QEMU reports the ports to a booting
 * guest over a queue of 32 messages, with up to two messages for each port, and
 * drops messages when the queue is full. Then the guest takes a port for
 * unconnected, and waits forever when it writes to it.
 */
export const PORT_NAMES: string[] = [
  ...Array.from({ length: 12 }, (_, n) => `vw.${n}`),
  ...Array.from({ length: 2 }, (_, n) => `vw.err.${n}`),
];

/** The names of the sockets that QEMU connects to, in the backend's order. */
export const SOCKET_NAMES: string[] = ["qmp", "wake", "shell", ...PORT_NAMES];

/** Facts about a machine that QEMU's arguments depend on. */
export interface Adaptation {
  /**
   * The bus of the driver's devices: the default bus of virtio devices, which
   * is PCI on most machine types, or virtio-mmio.
   */
  readonly bus: "default" | "mmio";
  /** Whether the start script itself puts a serial port on stdio. */
  readonly ownSerial: boolean;
  /** Whether QEMU refuses the device that reports a panic. */
  readonly withoutPanicDevice?: boolean;
  /** Whether QEMU does not take the device that tells of a snapshot. */
  readonly withoutGenerationDevice?: boolean;
  /** Whether QEMU does not take a saved guest's memory as a file. */
  readonly ownMemory?: boolean;
}

/** The facts that the driver assumes at first. */
export const usual: Adaptation = { bus: "default", ownSerial: false };

/** The QEMU arguments that the driver appends to a start command. */
export function qemuArguments(options: {
  /** The path of the socket for each name. */
  socket: (name: string) => string;
  /** The socket of a vhost-user device for the guest's virtual socket. */
  vsock?: string;
  /** The device by which the guest's kernel reports a panic. */
  panicDevice?: string;
  /** The device by which the guest's kernel learns that it was copied. */
  generationDevice?: string;
  /** Whether the guest waits for a saved state. */
  incoming?: boolean;
  /** The file whose private mapping is the memory of a guest that waits so. */
  memory?: string;
  /** Whether the guest may reboot. */
  allowReboot: boolean;
  /** Whether to skip the time for which the guest only waits. */
  fastForward?: boolean;
  /** Whether the host has a display for QEMU's window. */
  display: boolean;
  /**
   * Facts about the machine.
   *
   * @default {usual}
   */
  adaptation?: Adaptation;
}): string[] {
  const chardev = (id: string, name: string) => [
    "-chardev",
    `socket,id=${id},path=${qemuValue(options.socket(name))}`,
  ];
  const { bus, ownSerial } = options.adaptation ?? usual;
  // For these names, QEMU chooses the devices of the default bus.
  const [serial, rng, vsock] = bus === "mmio"
    ? ["virtio-serial-device", "virtio-rng-device", "vhost-user-vsock-device"]
    // A guest that writes to a port waits until QEMU has taken the bytes. With
    // ioeventfd off, the guest's own processor takes them, before QEMU's main
    // loop would wake up. What the host writes waits for the main loop: see
    // main_loop.ts.
    : ["virtio-serial,ioeventfd=off", "virtio-rng", "vhost-user-vsock-pci"];
  return [
    ...chardev("vw-qmp", "qmp"),
    ...["-qmp", "chardev:vw-qmp"],
    ...chardev("vw-wake", "wake"),
    ...["-mon", "chardev=vw-wake,mode=readline"],
    ...["-device", `${serial},id=vw`],
    ...chardev("vw-shell", "shell"),
    // The first virtconsole is /dev/hvc0 in Linux guests.
    ...["-device", "virtconsole,bus=vw.0,chardev=vw-shell"],
    ...PORT_NAMES.flatMap((name) => [
      ...chardev(`vw-${name}`, name),
      "-device",
      `virtserialport,bus=vw.0,chardev=vw-${name},id=vw-${name},name=${name}`,
    ]),
    ...["-device", rng],
    ...options.vsock === undefined ? [] : [
      "-chardev",
      `socket,id=vw-vsock,path=${qemuValue(options.vsock)}`,
      "-device",
      `${vsock},chardev=vw-vsock`,
    ],
    ...options.panicDevice === undefined
      ? []
      : ["-device", options.panicDevice],
    ...options.generationDevice === undefined
      ? []
      : ["-device", options.generationDevice],
    // identity.ts knows these.
    ...options.incoming ? ["-incoming", "defer"] : [],
    ...options.memory === undefined ? [] : ["-mem-path", options.memory],
    // QEMU's default monitor would compete for stdio.
    ...ownSerial ? [] : ["-serial", "stdio"],
    ...["-monitor", "none"],
    ...options.allowReboot ? [] : ["-no-reboot"],
    // Eight nanoseconds of the guest's time for each of its instructions.
    ...options.fastForward ? ["-icount", "shift=3,sleep=off"] : [],
    ...options.display ? [] : ["-nographic"],
  ];
}
