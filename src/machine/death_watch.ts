import type { DeathSign, GuestDied, SerialConsole } from "../console/mod.ts";
import type { Shell } from "../shell/mod.ts";
import { delay, orAbort, within } from "../time/mod.ts";
import { crashKernel } from "./crash_kernel.ts";

/**
 * Seconds, at least, in which a shell has to answer, or a console has to go on.
 */
const FAIR = 1;
/**
 * The shell of a busy guest gets this multiple of the time that it took to
 * connect …
 */
const PATIENCE = 4;
/** … but no more than so many seconds. */
const LONGEST = 5;
/** In so many parts, between which the hypervisor has to answer too. */
const PARTS = 4;
/** Seconds in which the text of a panic follows the hypervisor's report. */
const TEXT_FOLLOWS = 0.3;
/**
 * Seconds in which a crash kernel has to say something. A slow guest may need
 * many of them to check and unpack it.
 */
const HANDED_OVER = 120;

/** Ends a look at a guest that has ended. */
const over = Symbol("over");

/**
 * Decides whether a guest with a sign of death is dead. The guest is alive if
 * its shell answers, or if it has no shell and goes on printing. It was dead if
 * it ends or is reset before its shell has answered. Time in which the guest is
 * paused, or in which its hypervisor is stopped and answers nothing, does not
 * count.
 *
 * A kernel that panics may hand over to a crash kernel, and says whether it has
 * one. Then the guest lives on, but nothing that ran in it.
 */
export class DeathWatch {
  readonly #console: SerialConsole;
  readonly #shell: () => Shell | undefined;
  readonly #ask: () => Promise<boolean> | undefined;
  readonly #onHandOver: (death: GuestDied) => void;
  /**
   * An answer of the shell counts for the signs that came before the question.
   */
  #latest?: DeathSign;
  #look?: AbortController;
  /** Whether the guest owes an answer since the latest sign. */
  #isSilent = false;

  /**
   * Looks at a guest whenever its console shows a sign of death.
   *
   * @param console The guest's console, which gets the result.
   * @param shell Returns the guest's shell, if there is one.
   * @param isPaused Asks the guest's hypervisor, if it answers questions,
   * whether the guest is paused.
   * @param onHandOver Called when a kernel has panicked and a crash kernel is to
   * follow, with the death of all that ran.
   */
  constructor(
    console: SerialConsole,
    shell: () => Shell | undefined,
    isPaused: () => Promise<boolean> | undefined,
    onHandOver: (death: GuestDied) => void,
  ) {
    this.#console = console;
    this.#shell = shell;
    this.#ask = isPaused;
    this.#onHandOver = onHandOver;
    console.onSign((sign) => this.#suspect(sign));
  }

  /** Called when the hypervisor reports a panic. */
  panicked(): void {
    const { signal } = this.#look ??= new AbortController();
    const die = () => {
      if (signal.aborted) return;
      this.#console.die("the hypervisor reports that its kernel panicked");
      this.forget();
    };
    if (this.#console.sign?.isPanic) return die();
    delay(TEXT_FOLLOWS, signal).then(die, () => {});
  }

  /**
   * Called when the hypervisor has stopped the guest for good.
   *
   * @param why What it says of the guest.
   */
  stoppedForGood(why: string): void {
    this.#console.die(why);
    this.forget();
  }

  /**
   * Called when the guest has ended or was reset: a sign without an answer was
   * its death.
   */
  conclude(): void {
    if (this.#look !== undefined && this.#isSilent) {
      this.#console.die(this.#latest);
    }
    this.forget();
  }

  /** Looks no longer. */
  forget(): void {
    this.#look?.abort(over);
    this.#look = undefined;
  }

  #suspect(sign: DeathSign): void {
    this.#latest = sign;
    this.#isSilent = true;
    if (this.#look !== undefined) return;
    const look = this.#look = new AbortController();
    this.#decide(look.signal).catch((error) => {
      if (error !== over) throw error;
    }).finally(() => {
      if (this.#look === look) this.#look = undefined;
    });
  }

  async #decide(signal: AbortSignal): Promise<void> {
    while (true) {
      const sign = this.#latest!;
      if (await this.#isAlive(signal)) {
        if (sign !== this.#latest) continue;
        this.#isSilent = false;
        this.#console.live();
        if (!sign.isPanic) return;
        // The other processors of the guest run until the kernel has printed
        // everything. A kernel may reset the guest a second after its panic.
        this.#isSilent = true;
        await delay(FAIR, signal);
        if (await this.#isAlive(signal)) {
          if (sign !== this.#latest) continue;
          return this.#console.live();
        }
      }
      if (!await this.#isHandedOver(sign, signal)) {
        return this.#console.die(sign);
      }
      this.#console.live();
      if (sign === this.#latest) return;
    }
  }

  /**
   * Whether a crash kernel boots after a panic. Its own signs of death are
   * others.
   */
  async #isHandedOver(sign: DeathSign, signal: AbortSignal): Promise<boolean> {
    const found = () =>
      sign.isPanic ? crashKernel(this.#console.text(sign.start)) : "none";
    if (found() === "none") return false;
    this.#onHandOver(this.#console.deathBy(sign));
    // It may end with a reset, which is not the guest's death.
    this.#isSilent = false;
    for (let left = HANDED_OVER; found() !== "boots";) {
      if (this.#shell()?.isThere || sign !== this.#latest) return true;
      if (left === 0) return false;
      const { position } = this.#console;
      await delay(1, signal);
      const isPaused = await this.#isPaused(signal);
      if (this.#console.position !== position) left = HANDED_OVER;
      else if (!isPaused) left--;
    }
    return true;
  }

  async #isAlive(signal: AbortSignal): Promise<boolean> {
    for (let left = PARTS; !this.#shell()?.isThere;) {
      if (left === 0) return false;
      const { position } = this.#console;
      await delay(FAIR / PARTS, signal);
      const isPaused = await this.#isPaused(signal);
      if (this.#console.position !== position) left = PARTS;
      else if (!isPaused) left--;
    }
    const shell = this.#shell()!;
    const time = Math.min(LONGEST, Math.max(FAIR, PATIENCE * shell.pace));
    const answer = shell.answer().then(() => true);
    for (let left = PARTS;;) {
      if (await orAbort(within(time / PARTS, answer), signal)) return true;
      if (left === 0) return false;
      if (!await this.#isPaused(signal)) left--;
    }
  }

  /**
   * Waits until the hypervisor answers, or is gone.
   *
   * @returns Whether the guest is paused.
   */
  async #isPaused(signal: AbortSignal): Promise<boolean> {
    const answer = this.#ask()?.catch(() => false);
    return await orAbort(Promise.resolve(answer), signal) ?? false;
  }
}
