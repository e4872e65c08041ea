import { GuestDied, type SerialConsole } from "../console/mod.ts";
import { isHypervisorGone, MachineError } from "../errors.ts";
import { ShellLost } from "../shell/mod.ts";
import { within } from "../time/mod.ts";
import type { Boot } from "./boot.ts";

/** How many lines of the console a failure quotes. */
const TAIL = 5;
/** Seconds after the loss of a channel in which its reason becomes known. */
const REASON = 0.5;
/** Seconds that the process of a guest which is ending may take to go. */
const GOING = 60;
/** Seconds that the hypervisor may take to tell the guest's state. */
const STATUS = 2;
/** Seconds without a shell that are normal. */
const PATIENCE = 10;

/** How a machine breaks, in the words of its errors. */
export class Breakage {
  readonly #name: string;
  readonly #console: SerialConsole;
  /** Errors that tell how the machine broke. */
  readonly #told = new WeakSet<Error>();
  /** How the guest has ended last, and whether it has powered off. */
  #lastEnd?: { how: string; isClean: boolean };

  /** Takes the machine's name and its console. */
  constructor(name: string, console: SerialConsole) {
    this.#name = name;
    this.#console = console;
  }

  /** Notes how the guest has ended, and whether that was no breakage. */
  noteEnd(how: string, isClean: boolean): void {
    this.#lastEnd = { how, isClean };
  }

  /** Forgets how the guest has ended: the driver has ended it. */
  forgetEnd(): void {
    this.#lastEnd = undefined;
  }

  /** Makes the error of a guest that has ended. */
  end(how: string): MachineError {
    return this.#console.died ?? this.#error(`${this.#name} ended: ${how}`);
  }

  /** Makes the error of a console wait that the end of the guest has ended. */
  endOfConsole(how: string, cause: MachineError): MachineError {
    const error = new MachineError(
      `${this.#name} ended: ${how}; ${cause.message}`,
      { cause },
    );
    this.#told.add(error);
    return error;
  }

  /**
   * Turns the loss of a channel into an error that tells the reason, with the
   * last lines of the console. Other errors stay as they are.
   *
   * @param boot The guest that ran when the channel was in use, and its reset.
   * @param ended Settled when the guest has ended, with how.
   */
  async reasonOf(
    error: unknown,
    boot: Pick<Boot, "guest" | "reset"> | undefined,
    ended: Promise<string> | undefined,
  ): Promise<unknown> {
    if (!(error instanceof ShellLost || isHypervisorGone(error))) return error;
    // The guest may have been reset since it died.
    const { cause, message } = error as Error;
    if (cause instanceof GuestDied) return cause;
    if (this.#console.died !== undefined) return this.#console.died;
    // The channels break a moment before the reason is known.
    const known = Promise.race(
      [
        // This comes here and not before, because a promise keeps everything
        // that depends on it in memory.
        ended?.then((how) => `${this.#name} ended: ${how}`),
        boot?.reset,
      ].filter((promise) => promise !== undefined),
    );
    let reason = await within(REASON, known);
    // A process on a busy host, or with a guest on KVM, may take a while to go.
    if (reason === undefined && boot?.guest.isEnding) {
      reason = await within(GOING, known);
    }
    return this.#console.died ??
      this.#error(reason ?? message, error);
  }

  #error(reason: string, cause?: unknown): MachineError {
    const tail = this.#console.tail(TAIL).join("\n");
    const error = new MachineError(
      reason + (tail === "" ? "" : `\nits console said last:\n${tail}`),
      { cause },
    );
    this.#told.add(error);
    return error;
  }

  /**
   * What is wrong with the machine, as the end of a sentence; nothing if it is
   * well.
   *
   * @param boot The guest, if one runs.
   * @param error The error that the run reports anyway. If it tells how the
   * guest died or ended, this does not tell it again.
   */
  async trouble(
    boot: Boot | undefined,
    error?: unknown,
  ): Promise<string | undefined> {
    const { died } = this.#console;
    const told = error instanceof Error ? [error, error.cause] : [];
    if (died !== undefined) {
      return told.includes(died) ? undefined : `its guest died: ${died.line}`;
    }
    if (boot === undefined) {
      const end = this.#lastEnd;
      const isTold = told.some((one) =>
        one instanceof Error && this.#told.has(one)
      );
      return end === undefined || end.isClean || isTold
        ? undefined
        : `ended: ${end.how}`;
    }
    const still = boot.guest.standsStill?.().catch(() => undefined);
    const why = still && await within(STATUS, still);
    if (why !== undefined) return `does not run, ${why}`;
    const seconds = boot.age;
    if (boot.shell.connected || seconds < PATIENCE) return;
    const [last] = this.#console.tail(1);
    return `has had no shell for ${
      seconds.toFixed(0)
    } seconds; its console said ` +
      (last === undefined ? "nothing" : `last: ${last}`);
  }
}
