import type { DeathSign, SerialConsole } from "../console/mod.ts";
import type { Shell } from "../shell/mod.ts";
import { delay, orAbort, within } from "../time/mod.ts";

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
/** Seconds between two looks at the console of a guest without a shell. */
const LOOK = 0.05;
/** Seconds in which the text of a panic follows the hypervisor's report. */
const TEXT_FOLLOWS = 0.3;

/** Ends a look at a guest that has ended. */
const over = Symbol("over");

/**
 * Decides whether a guest with a sign of death is dead. The guest is alive if
 * its shell answers, or if it has no shell and goes on printing. It was dead if
 * it ends or is reset before its shell has answered.
 */
export class DeathWatch {
  readonly #console: SerialConsole;
  readonly #shell: () => Shell | undefined;
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
   */
  constructor(console: SerialConsole, shell: () => Shell | undefined) {
    this.#console = console;
    this.#shell = shell;
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
      if (!await this.#isAlive(signal)) return this.#console.die();
      if (sign !== this.#latest) continue;
      this.#isSilent = false;
      this.#console.live();
      if (!sign.isPanic) return;
      // The other processors of the guest run until the kernel has printed
      // everything. A kernel may reset the guest a second after its panic.
      this.#isSilent = true;
      await delay(FAIR, signal);
      if (!await this.#isAlive(signal)) return this.#console.die(sign);
      if (sign === this.#latest) return this.#console.live();
    }
  }

  async #isAlive(signal: AbortSignal): Promise<boolean> {
    while (!this.#shell()?.isThere) {
      if (this.#console.silence > FAIR) return false;
      await delay(LOOK, signal);
    }
    const shell = this.#shell()!;
    const time = Math.min(LONGEST, Math.max(FAIR, PATIENCE * shell.pace));
    const answer = within(time, shell.answer().then(() => true));
    return await orAbort(answer, signal) ?? false;
  }
}
