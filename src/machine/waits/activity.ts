import { orAbort } from "../../time/mod.ts";
import type { MachineCore } from "../core.ts";
import { FIRST_OF_PAUSES, LONGER_PAUSE } from "./guest_loop.ts";

/** Seconds in which the effects of a command come to rest. */
const REST = 0.04;
/** The input that ends the script in the guest. */
const END = "q";

/**
 * A script that reads characters. It writes each character back when, since it
 * was read, a device has interrupted the guest or a process was started there.
 * The first of the kernel's counters of interrupts is their sum, which includes
 * the clock's.
 */
export const LOOK: string = [
  "vw_look() {",
  "mapfile -t -s $vw_at -n 4 vw_stat </proc/stat",
  "vw_new=${vw_stat#intr * }${vw_stat[3]}",
  "}",
  "mapfile -t vw_stat </proc/stat",
  "vw_at=0",
  'until [[ ${vw_stat[vw_at]} == "intr "* ]]; do vw_at=$((vw_at + 1)); done',
  FIRST_OF_PAUSES,
  "vw_next=",
  `while { [ -n "$vw_next" ] || read -r -N 1 vw_next; } && ` +
  `[ "$vw_next" != ${END} ]; do`,
  "vw_told=$vw_next",
  "vw_look",
  "vw_old=$vw_new",
  // What comes when the time is over is read, too.
  "while read -r -N 1 -t 0.0$vw_pause vw_next; " +
  '(( $? > 128 )) && [ -z "$vw_next" ]; do',
  LONGER_PAUSE,
  "vw_look",
  '[ "$vw_new" = "$vw_old" ] || { printf %s "$vw_told"; break; }',
  "done",
  "done",
].join("\n");

/**
 * Notices when something happens in a guest, so that the driver repeats a
 * failed command then, and rarely otherwise: hardly anything changes in a guest
 * without an interrupt of a device or a new process.
 */
export class Activity implements Disposable {
  readonly #core: MachineCore;
  #looks = false;
  /** Takes the input of the script in the guest. */
  #questions?: ReadableStreamDefaultController<Uint8Array>;
  /** The last question. The answer to an earlier one may still be under way. */
  #question = 0;
  #stirred = Promise.withResolvers<void>();

  /** Begins to look at a guest with the first call of {@linkcode pass}. */
  constructor(core: MachineCore) {
    this.#core = core;
  }

  /**
   * Whether the guest can be asked, which needs ports. Otherwise only time
   * counts.
   */
  get canTell(): boolean {
    return this.#core.running().shell.hasPorts;
  }

  /**
   * Waits after a command until something happens in the guest that the command
   * has not caused, for at least `shortest` and at most `longest` seconds.
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
      await after(REST);
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
    this.#questions?.enqueue(new TextEncoder().encode(END));
    this.#questions?.close();
    this.#questions = undefined;
  }

  /** Waits until something happens after this call. */
  #next(): Promise<void> {
    this.#stirred = Promise.withResolvers();
    this.#question = (this.#question + 1) % 10;
    this.#questions?.enqueue(new TextEncoder().encode(`${this.#question}`));
    return this.#stirred.promise;
  }

  /** Starts the script in the guest, once. */
  #look(): void {
    if (this.#looks || !this.canTell) return;
    this.#looks = true;
    const questions = new ReadableStream<Uint8Array>({
      start: (controller) => this.#questions = controller,
      cancel: () => this.#questions = undefined,
    });
    this.#core.running().shell.run(LOOK, {
      stdin: questions,
      onStdout: (chunk) => {
        const answer = new TextDecoder().decode(chunk);
        if (answer.endsWith(`${this.#question}`)) this.#stirred.resolve();
      },
    }).catch(() => {});
  }
}
