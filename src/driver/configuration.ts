import type { BackendName } from "../backend/mod.ts";

/** A machine that a driver is to have. */
export interface MachineConfiguration {
  /** The name; from `run-<name>-vm` by default, else `machine`. */
  name?: string;
  /** A start script's path, or a command line. */
  startCommand: string;
  /**
   * What runs the machine; by default `nspawn`, a container, for a start script
   * `run-<name>-nspawn`, else `qemu`.
   */
  backend?: BackendName;
  /** Whether the guest may reboot; without, a reset ends it. */
  allowReboot?: boolean;
  /**
   * Whether the guest's time passes at once where the guest waits for it: a timer
   * of an hour is over in seconds. For guests of QEMU's without KVM, of one
   * processor.
   */
  fastForward?: boolean;
}
