import { orAbort } from "../time/mod.ts";
import type { MachineCore } from "./core.ts";
import { FIRST_OF_PAUSES, longerPauses, pause } from "./guest_loop.ts";

/** Seconds until the interrupt is counted that it is to say something. */
const SAID = 0.03;
/** Seconds at least in which what a command has stirred up comes to rest. */
const REST = 0.06;
/** Seconds in which the console has carried a byte, where there is no port. */
const CARRIED = 0.3;

/**
 * Prints a byte when a device has interrupted the guest, or a process was
 * started there, since the last look. The first of the interrupts' numbers is
 * their sum, in which the clock's are too.
 */
const LOOK = [
  "vw_look() {",
  "mapfile -t vw_stat </proc/stat",
  'vw_new="${vw_stat[vw_at]#intr * } ${vw_stat[vw_at + 3]}"',
  "}",
  "mapfile -t vw_stat </proc/stat",
  "vw_at=0",
  'until [[ ${vw_stat[vw_at]} == "intr "* ]]; do vw_at=$((vw_at + 1)); done',
  "vw_look",
  FIRST_OF_PAUSES,
  "while :; do",
  longerPauses(),
  "vw_old=$vw_new; vw_look",
  'if [ "$vw_new" != "$vw_old" ]; then',
  "printf .",
  // To say so is an interrupt, too, and processes where there is no port.
  `if [ -z "\${vw_idle-}" ]; then ${pause(SAID)}; else`,
  `${pause(CARRIED)}; fi`,
  "vw_look",
  "fi",
  "done",
].join("\n");

/**
 * Tells when something happens in a guest, so that a command that has failed
 * is tried again then, and rarely while nothing does: hardly anything changes
 * in a guest without an interrupt of a device or a new process.
 */
export class Activity implements Disposable {
  readonly #core: MachineCore;
  readonly #stop = new AbortController();
  #running = false;
  #stirred = Promise.withResolvers<void>();

  /** Looks at a guest from the first {@linkcode pass} on. */
  constructor(core: MachineCore) {
    this.#core = core;
  }

  /**
   * Lets time pass after a command: until something happens that was not the
   * command's doing, or else for `longest` seconds, but `shortest` at least.
   *
   * @returns Whether something has happened.
   */
  async pass(
    shortest: number,
    longest: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    this.#look();
    const timers: ReturnType<typeof setTimeout>[] = [];
    const after = (seconds: number) =>
      new Promise<false>((resolve) => {
        timers.push(setTimeout(() => resolve(false), seconds * 1000));
      });
    const over = after(longest);
    const least = after(shortest);
    const happened = async () => {
      await after(Math.max(REST, shortest / 2));
      await this.#next();
      await least;
      return true;
    };
    try {
      return await orAbort(Promise.race([happened(), over]), signal);
    } finally {
      for (const timer of timers) clearTimeout(timer);
    }
  }

  /** Looks no longer. */
  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  #next(): Promise<void> {
    this.#stirred = Promise.withResolvers();
    return this.#stirred.promise;
  }

  /** Where the guest can't tell, time alone is what passes. */
  #look(): void {
    if (this.#running) return;
    this.#running = true;
    this.#core.running().shell.run(LOOK, {
      signal: this.#stop.signal,
      onStdout: () => this.#stirred.resolve(),
    }).catch(() => {}).finally(() => this.#running = false);
  }
}
