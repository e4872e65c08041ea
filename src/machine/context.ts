import type { Backend } from "../backend/mod.ts";
import type { Faults } from "./faults.ts";
import type { Log } from "../report/mod.ts";

/** What a machine's driver lends it. */
export interface MachineContext {
  /** Where everything is told. */
  readonly log: Log;
  /** What starts the guest. */
  readonly backend: Backend;
  /** Throws where nothing may be started any more. */
  demandStart(): void;
  /** Where screenshots, copied files and console logs go. */
  readonly outDir: string;
  /** The directory that all machines share with the host. */
  readonly sharedDir: string;
  /** Variables for start scripts. */
  readonly env: Record<string, string>;
  /** The UNIX sockets of the guest's virtual socket, where it was given one. */
  readonly vsock?: { readonly guest: string; readonly host: string };
  /** What is broken on purpose. */
  readonly faults: Faults;
  /** Console text after which a guest that does not answer is dead; the usual by default. */
  readonly deadPatterns?: RegExp[];
  /**
   * Runs what a machine does under the eyes of the driver: polling conditions
   * are kept before and meanwhile, and the signal ends it with the run.
   */
  watch<T>(fn: (signal: AbortSignal) => Promise<T>): Promise<T>;
}
