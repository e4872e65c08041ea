import { qemuValue } from "../start_command.ts";

/** Ports that carry commands, and those that carry stderr apart. */
export const PORT_NAMES: string[] = [
  ...Array.from({ length: 16 }, (_, n) => `vw.${n}`),
  ...Array.from({ length: 4 }, (_, n) => `vw.err.${n}`),
];

/** The QEMU arguments that the driver appends to a start command. */
export function qemuArguments(options: {
  /** The path of a socket by the name of what it carries. */
  socket: (name: string) => string;
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
    ...["-device", "virtio-serial,id=vw"],
    ...chardev("vw-shell", "shell"),
    // The first virtconsole is /dev/hvc0 in Linux guests.
    ...["-device", "virtconsole,bus=vw.0,chardev=vw-shell"],
    ...PORT_NAMES.flatMap((name) => [
      ...chardev(`vw-${name}`, name),
      "-device",
      `virtserialport,bus=vw.0,chardev=vw-${name},id=vw-${name},name=${name}`,
    ]),
    ...["-device", "virtio-rng-pci"],
    // A monitor that nobody named would fight for stdio.
    ...["-serial", "stdio", "-monitor", "none"],
    ...options.allowReboot ? [] : ["-no-reboot"],
    ...options.display ? [] : ["-nographic"],
  ];
}
