import { qemuValue } from "../start_command.ts";

/**
 * Ports that carry commands, and those that carry stderr apart.
 *
 * With the console there may be 15 of them. QEMU tells a booting guest of its
 * ports over a queue of 32 messages, two for each port while those that say
 * that there is a port still wait, and drops what the queue can't hold: then
 * the guest takes a port for unconnected and writes to it wait forever.
 */
export const PORT_NAMES: string[] = [
  ...Array.from({ length: 12 }, (_, n) => `vw.${n}`),
  ...Array.from({ length: 2 }, (_, n) => `vw.err.${n}`),
];

/** What QEMU's arguments depend on, besides the driver. */
export interface Adaptation {
  /**
   * The bus of the driver's devices: the one that virtio devices are on by
   * default, which is PCI on most machine types, or the slots of virtio-mmio.
   */
  readonly bus: "default" | "mmio";
  /** Whether the start script has a serial port on stdio itself. */
  readonly ownSerial: boolean;
  /** Whether QEMU does not take the device that tells of a panic. */
  readonly withoutPanicDevice?: boolean;
}

/** What they depend on where nobody has found anything else. */
export const usual: Adaptation = { bus: "default", ownSerial: false };

/** The QEMU arguments that the driver appends to a start command. */
export function qemuArguments(options: {
  /** The path of a socket by the name of what it carries. */
  socket: (name: string) => string;
  /** The socket of a vhost-user device for the guest's virtual socket. */
  vsock?: string;
  /** The device by which the guest's kernel says that it panics. */
  panicDevice?: string;
  /** Whether the guest may reboot. */
  allowReboot: boolean;
  /** Whether there is a display for QEMU's window. */
  display: boolean;
  /** What else they depend on; nothing unusual by default. */
  adaptation?: Adaptation;
}): string[] {
  const chardev = (id: string, name: string) => [
    "-chardev",
    `socket,id=${id},path=${qemuValue(options.socket(name))}`,
  ];
  const { bus, ownSerial } = options.adaptation ?? usual;
  // By these names, QEMU takes the devices of whatever bus is the default.
  const [serial, rng, vsock] = bus === "mmio"
    ? ["virtio-serial-device", "virtio-rng-device", "vhost-user-vsock-device"]
    // A guest that writes to a port does nothing else until that is taken; so
    // its own processor takes it, sooner than QEMU's main loop would wake.
    : ["virtio-serial,ioeventfd=off", "virtio-rng", "vhost-user-vsock-pci"];
  return [
    ...chardev("vw-qmp", "qmp"),
    ...["-qmp", "chardev:vw-qmp"],
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
    // A monitor that nobody named would fight for stdio.
    ...ownSerial ? [] : ["-serial", "stdio"],
    ...["-monitor", "none"],
    ...options.allowReboot ? [] : ["-no-reboot"],
    ...options.display ? [] : ["-nographic"],
  ];
}
