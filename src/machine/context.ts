import type { Backend, Taps } from "../backend/mod.ts";
import type { Faults } from "./faults.ts";
import type { Log } from "../report/mod.ts";

/** The parts of a driver that a machine uses. */
export interface MachineContext {
  /** The log. */
  readonly log: Log;
  /** What the log calls the machine; its name by default. */
  readonly label?: string;
  /** The backend that starts the guest. */
  readonly backend: Backend;
  /** Throws if nothing may be started any more. */
  demandStart(): void;
  /** Where screenshots, copied files and console logs go. */
  readonly outDir: string;
  /** The directory that all machines share with the host. */
  readonly sharedDir: string;
  /** Variables for start scripts. */
  readonly env: Record<string, string>;
  /** The UNIX sockets of the guest's virtual socket, if it has one. */
  readonly vsock?: { readonly guest: string; readonly host: string };
  /** Makes TAPs on the VLANs. */
  readonly taps?: Taps;
  /** The faults that the test has set. */
  readonly faults: Faults;
  /**
   * Console text after which a guest whose shell does not answer is dead.
   *
   * @default {deathPatterns}
   */
  readonly deadPatterns?: RegExp[];
  /**
   * Runs an action of a machine for the driver: polling conditions must hold
   * before and meanwhile, and the signal is aborted at the end of the run.
   */
  watch<T>(fn: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Called when something is done with the machine. */
  used(): void;
}
