import type { Guest } from "../backend/mod.ts";
import type { SerialConsole } from "../console/mod.ts";
import type { Attributes, Log } from "../report/mod.ts";
import type { Shell } from "../shell/mod.ts";
import { after, within } from "../time/mod.ts";

/** Seconds until the first hint. The time doubles with each hint … */
const FIRST = 30;
/** … up to so many seconds. */
const LONGEST = 300;
/** Seconds that the hypervisor may take to tell the guest's state. */
const STATUS = 2;

/** The machine without a shell. */
interface Awaited {
  readonly log: Log;
  readonly attributes: Attributes;
  readonly console: SerialConsole;
}

/**
 * Logs hints while a guest's shell does not come: what the driver waits for,
 * and where to look. The first comes after 30 seconds.
 */
export class ShellHints implements Disposable {
  readonly #machine: Awaited;
  readonly #guest: Guest;
  readonly #shell: Shell;
  readonly #began = performance.now();
  #cancel!: () => void;
  #over = false;

  /** Begins the wait, which ends when this is disposed. */
  constructor(machine: Awaited, guest: Guest, shell: Shell) {
    this.#machine = machine;
    this.#guest = guest;
    this.#shell = shell;
    this.#tellIn(FIRST);
  }

  #tellIn(seconds: number): void {
    this.#cancel = after(seconds, async () => {
      const stop = await this.#whyStill();
      if (this.#over) return;
      this.#machine.log.warning(this.#hint(stop), this.#machine.attributes);
      this.#tellIn(Math.min(2 * seconds, LONGEST));
    });
  }

  /** Why the guest stands still, if the hypervisor knows that it does. */
  async #whyStill(): Promise<string | undefined> {
    const answer = this.#guest.standsStill?.().catch(() => undefined);
    return answer && await within(STATUS, answer);
  }

  #hint(stop: string | undefined): string {
    const seconds = Math.round((performance.now() - this.#began) / 1000);
    const [last] = this.#machine.console.tail(1);
    const end = last === undefined
      ? "its console has said nothing"
      : `its console said last: ${last}`;
    if (stop !== undefined) {
      return `no shell after ${seconds} seconds: the guest does not run, ` +
        `${stop}; ${end}`;
    }
    const what = this.#shell.isThere
      ? "a shell greeted the driver, but has not run what the driver sent yet; " +
        "it is slow, or has no bash in its PATH"
      : this.#shell.hasDied
      ? "the guest's shell died, and no shell has greeted the driver since"
      : this.#guest.shellHint ??
        "no shell has greeted the driver on the guest's /dev/hvc0; look in the " +
          "guest at `systemctl status backdoor.service`, and whether a console of " +
          "the start script's own is /dev/hvc0; examples/GUEST.md says what a " +
          "guest needs";
    return `no shell after ${seconds} seconds: ${what}; ${end}`;
  }

  /** Ends the hints. */
  [Symbol.dispose](): void {
    this.#over = true;
    this.#cancel();
  }
}
