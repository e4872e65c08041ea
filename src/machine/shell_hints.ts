import type { Guest } from "../backend/mod.ts";
import type { Shell } from "../shell/mod.ts";
import { after } from "../time/mod.ts";
import type { MachineCore } from "./core.ts";

/** Seconds until the first hint; then each comes twice as late … */
const FIRST = 30;
/** … but no later than so many seconds. */
const LONGEST = 300;
/** Seconds that the hypervisor has to say how the guest is. */
const STATUS = 2;

/**
 * Says, while a shell does not come, what is waited for and where to look: after
 * 30 seconds, and then now and then.
 */
export class ShellHints implements Disposable {
  readonly #core: MachineCore;
  readonly #guest: Guest;
  readonly #shell: Shell;
  readonly #began = performance.now();
  #cancel!: () => void;
  #over = false;

  /** Waits for a shell from now on, until it is disposed of. */
  constructor(core: MachineCore, guest: Guest, shell: Shell) {
    this.#core = core;
    this.#guest = guest;
    this.#shell = shell;
    this.#tellIn(FIRST);
  }

  #tellIn(seconds: number): void {
    this.#cancel = after(seconds, async () => {
      const status = await this.#status();
      if (this.#over) return;
      this.#core.log.warning(this.#hint(status), this.#core.attributes);
      this.#tellIn(Math.min(2 * seconds, LONGEST));
    });
  }

  /** How the hypervisor says that the guest is, where it does. */
  async #status(): Promise<string | undefined> {
    const { qmp } = this.#guest;
    if (qmp === undefined) return undefined;
    const none = Promise.withResolvers<undefined>();
    const cancel = after(STATUS, () => none.resolve(undefined));
    try {
      const answer = await Promise.race([
        qmp.send("query-status").catch(() => undefined),
        none.promise,
      ]);
      return (answer as { status?: string } | undefined)?.status;
    } finally {
      cancel();
    }
  }

  #hint(status: string | undefined): string {
    const seconds = Math.round((performance.now() - this.#began) / 1000);
    const [last] = this.#core.console.tail(1);
    const end = last === undefined
      ? "its console has said nothing"
      : `its console said last: ${last}`;
    if (status !== undefined && status !== "running") {
      return `no shell after ${seconds} seconds: the guest stands still, QEMU's ` +
        `query-status says "${status}"` +
        (status === "prelaunch"
          ? ' (does the start script say -S? then `sendMonitorCommand("cont")` ' +
            "lets it go)"
          : "") +
        `; ${end}`;
    }
    const what = this.#shell.isThere
      ? "a shell greeted, and has not taken up what it was sent: it must be bash"
      : "nothing on the guest's /dev/hvc0 has greeted; look in the guest at " +
        "`systemctl status backdoor.service`, at whether a console of the start " +
        "script's own is /dev/hvc0, and in the README at what a guest needs";
    return `no shell after ${seconds} seconds: ${what}; ${end}`;
  }

  /** Says nothing more. */
  [Symbol.dispose](): void {
    this.#over = true;
    this.#cancel();
  }
}
