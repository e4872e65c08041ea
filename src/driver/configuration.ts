import type { BackendName } from "../backend/mod.ts";

/** A machine of a driver. */
export interface MachineConfiguration {
  /**
   * The name; if nothing is given, that in `run-<name>-vm`, otherwise
   * `machine`.
   */
  name?: string;
  /** A start script's path, or a command line. */
  startCommand: string;
  /**
   * The machine's hypervisor; if nothing is given, `nspawn` (a container) for a
   * start script `run-<name>-nspawn`, otherwise `qemu`.
   */
  backend?: BackendName;
  /**
   * Whether the guest may reboot. Otherwise a reset ends it.
   *
   * @default {false}
   */
  allowReboot?: boolean;
  /**
   * Whether the guest's time passes at once where the guest waits for it: a timer
   * of an hour is over in seconds. For guests of QEMU's without KVM, of one
   * processor.
   */
  fastForward?: boolean;
}
