import { UsageError } from "../../errors.ts";
import type { BackendKind } from "../backend.ts";
import { qemuNeeds } from "./needs.ts";

/** The first number that a guest's virtual socket can have. */
const FIRST_CID = 3;

/** Facts about QEMU and its virtual machines. */
export const qemu: BackendKind = {
  hypervisor: "QEMU",
  guestNoun: "VM",
  startsFrom: "program",
  plugsIntoHost: false,
  reboots: true,
  takesVsock: true,
  fastForwards: true,
  connectionsOutlivePause: true,
  gives: new Set([
    "qmp",
    "keyboard",
    "screen",
    "network",
    "forwarding",
    "consoles",
    "processors",
    "interrupt",
    "disks",
    "writeCaches",
    "fileSystems",
    "memory",
    "clock",
    "snapshots",
  ]),
  needs: (startCommand) => qemuNeeds(startCommand),

  /** `run-<name>-vm` starts a virtual machine. */
  machineName: (startCommand) => /run-([^/]+)-vm$/.exec(startCommand)?.[1],

  /**
   * Connects over the kernel's vsock, or over a virtual socket that the driver
   * has made.
   */
  sshCommand: ({ name, index, vsock }) => {
    if (vsock !== undefined) return `ssh -o User=root vsock-mux/${vsock}`;
    if (index !== undefined && index >= FIRST_CID) {
      return `ssh -o User=root vsock/${index}`;
    }
    throw new UsageError(
      `${name} has no ssh backdoor: start the driver with --ssh-backdoor and ` +
        "--config (in NixOS tests, sshBackdoor.enable = true), or give it a " +
        `vsock number from ${FIRST_CID} up in its start script`,
    );
  },
};
