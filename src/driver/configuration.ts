import type { BackendName } from "../backend/mod.ts";

/** A machine of a driver. */
export interface MachineConfiguration {
  /**
   * The name; if nothing is given, that in `run-<name>-vm`, otherwise
   * `machine`.
   */
  name?: string;
  /**
   * A start script's path, or a command line; for Firecracker, the path of its
   * description of the machine.
   */
  startCommand: string;
  /**
   * The machine's hypervisor; if nothing is given, `nspawn` (a container) for a
   * start script `run-<name>-nspawn`, `firecracker` for a description
   * `run-<name>-firecracker.json`, otherwise `qemu`.
   */
  backend?: BackendName;
  /**
   * Whether the guest may reboot. Otherwise a reset ends it.
   *
   * @default {false}
   */
  allowReboot?: boolean;
  /**
   * Whether the guest's time passes at once while the guest is idle: a timer of
   * an hour ends in seconds. Only for guests of QEMU without KVM and with one
   * processor.
   *
   * @default {false}
   */
  fastForward?: boolean;
}
