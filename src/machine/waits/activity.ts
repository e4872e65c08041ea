import { orAbort } from "../../time/mod.ts";
import type { MachineCore } from "../core.ts";
import { FIRST_OF_PAUSES, LONGER_PAUSE } from "./guest_loop.ts";

/** Seconds in which what a command has stirred up comes to rest. */
const REST = 0.04;
/** Ends the look at a guest. */
const END = "q";

/**
 * A script that reads characters, and writes each again when a device has
 * interrupted the guest, or a process was started there, since it was read. The
 * first of the interrupts' numbers is their sum, in which the clock's are too.
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
  "while read -r -N 1 -t 0.0$vw_pause vw_next; (( $? > 128 )); do",
  LONGER_PAUSE,
  "vw_look",
  '[ "$vw_new" = "$vw_old" ] || { printf %s "$vw_told"; break; }',
  "done",
  "done",
].join("\n");

/**
 * Tells when something happens in a guest, so that a command that has failed
 * is tried again then, and rarely while nothing does: hardly anything changes
 * in a guest without an interrupt of a device or a new process.
 */
export class Activity implements Disposable {
  readonly #core: MachineCore;
  #looks = false;
  /** Takes what the command that looks at the guest is to read. */
  #questions?: ReadableStreamDefaultController<Uint8Array>;
  /** What was asked last: the answer to an earlier question may be under way. */
  #question = 0;
  #stirred = Promise.withResolvers<void>();

  /** Looks at a guest from the first {@linkcode pass} on. */
  constructor(core: MachineCore) {
    this.#core = core;
  }

  /**
   * Whether the guest can be asked. That takes ports; where there are none, time
   * alone is what passes.
   */
  get canTell(): boolean {
    return this.#core.running().shell.hasPorts;
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

  /** Waits until something happens from now on. */
  #next(): Promise<void> {
    this.#stirred = Promise.withResolvers();
    this.#question = (this.#question + 1) % 10;
    this.#questions?.enqueue(new TextEncoder().encode(`${this.#question}`));
    return this.#stirred.promise;
  }

  /** Has a command look at the guest, once. */
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
