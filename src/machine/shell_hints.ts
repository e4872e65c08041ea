import type { Guest } from "../backend/mod.ts";
import type { SerialConsole } from "../console/mod.ts";
import type { Attributes, Log } from "../report/mod.ts";
import type { Shell } from "../shell/mod.ts";
import { after, within } from "../time/mod.ts";

/** Seconds until the first hint; then each comes twice as late … */
const FIRST = 30;
/** … but no later than so many seconds. */
const LONGEST = 300;
/** Seconds that the hypervisor has to say how the guest is. */
const STATUS = 2;

/** The machine that is waited for. */
interface Awaited {
  readonly log: Log;
  readonly attributes: Attributes;
  readonly console: SerialConsole;
}

/**
 * Says, while a shell does not come, what is waited for and where to look: after
 * 30 seconds, and then now and then.
 */
export class ShellHints implements Disposable {
  readonly #machine: Awaited;
  readonly #guest: Guest;
  readonly #shell: Shell;
  readonly #began = performance.now();
  #cancel!: () => void;
  #over = false;

  /** Waits for a shell from now on, until it is disposed of. */
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

  /** Why the guest stands still, where the hypervisor says that it does. */
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
      ? "a shell greeted the driver, but does not run what the driver sends; it " +
        "must be bash"
      : "no shell has greeted the driver on the guest's /dev/hvc0; look in the " +
        "guest at `systemctl status backdoor.service`, and whether a console of " +
        "the start script's own is /dev/hvc0; examples/GUEST.md says what a " +
        "guest needs";
    return `no shell after ${seconds} seconds: ${what}; ${end}`;
  }

  /** Says nothing more. */
  [Symbol.dispose](): void {
    this.#over = true;
    this.#cancel();
  }
}
