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

/** The QEMU arguments that the driver appends to a start command. */
export function qemuArguments(options: {
  /** The path of a socket by the name of what it carries. */
  socket: (name: string) => string;
  /** The socket of a vhost-user device for the guest's virtual socket. */
  vsock?: string;
  /** Whether the guest may reboot. */
  allowReboot: boolean;
  /** Whether there is a display for QEMU's window. */
  display: boolean;
}): string[] {
  const chardev = (id: string, name: string) => [
    "-chardev",
    `socket,id=${id},path=${qemuValue(options.socket(name))}`,
  ];
  return [
    ...chardev("vw-qmp", "qmp"),
    ...["-mon", "chardev=vw-qmp,mode=control"],
    // A guest that writes to a port does nothing else until that is taken; so
    // its own processor takes it, sooner than QEMU's main loop would wake.
    ...["-device", "virtio-serial,id=vw,ioeventfd=off"],
    ...chardev("vw-shell", "shell"),
    // The first virtconsole is /dev/hvc0 in Linux guests.
    ...["-device", "virtconsole,bus=vw.0,chardev=vw-shell"],
    ...PORT_NAMES.flatMap((name) => [
      ...chardev(`vw-${name}`, name),
      "-device",
      `virtserialport,bus=vw.0,chardev=vw-${name},id=vw-${name},name=${name}`,
    ]),
    ...["-device", "virtio-rng-pci"],
    ...options.vsock === undefined ? [] : [
      "-chardev",
      `socket,id=vw-vsock,path=${qemuValue(options.vsock)}`,
      "-device",
      "vhost-user-vsock-pci,chardev=vw-vsock",
    ],
    // A monitor that nobody named would fight for stdio.
    ...["-serial", "stdio", "-monitor", "none"],
    ...options.allowReboot ? [] : ["-no-reboot"],
    ...options.display ? [] : ["-nographic"],
  ];
}
