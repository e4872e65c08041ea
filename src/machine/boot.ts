import type { Guest } from "../backend/mod.ts";
import type { Shell } from "../shell/mod.ts";

/** How a machine is started. */
export interface BootOptions {
  /** Whether the guest may reboot; otherwise a reset ends it. */
  allowReboot?: boolean;
  /** Whether to skip the time for which the guest only waits. */
  fastForward?: boolean;
}

/** A started guest, and the channels to it. */
export class Boot {
  readonly guest: Guest;
  readonly shell: Shell;
  /** How it was started. */
  readonly started: Required<BootOptions>;
  #began = performance.now();
  #reset = Promise.withResolvers<string>();

  /** Takes a guest that has just started. */
  constructor(guest: Guest, shell: Shell, started: Required<BootOptions>) {
    this.guest = guest;
    this.shell = shell;
    this.started = started;
  }

  /** Seconds since it was last started or reset. */
  get age(): number {
    return (performance.now() - this.#began) / 1000;
  }

  /** Whether the guest boots again after a reset. */
  get mayReboot(): boolean {
    return this.started.allowReboot;
  }

  /** Settled at the next reset, with what happened. */
  get reset(): Promise<string> {
    return this.#reset.promise;
  }

  /** Called when the guest was reset. */
  wasReset(reason: string): void {
    this.shell.reset(reason);
    this.#reset.resolve(reason);
    this.#reset = Promise.withResolvers();
    this.#began = performance.now();
  }
}
