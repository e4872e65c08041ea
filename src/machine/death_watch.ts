import type { DeathSign, SerialConsole } from "../console/mod.ts";
import type { Shell } from "../shell/mod.ts";
import { delay, orAbort, within } from "../time/mod.ts";

/** Seconds at least that a shell gets to answer, or a console to say more. */
const FAIR = 1;
/** A busy guest's shell gets this many times what it took to connect … */
const PATIENCE = 4;
/** … but no more than so many seconds. */
const LONGEST = 5;
/** Seconds between two looks at a guest that can't be asked. */
const LOOK = 0.05;
/** Seconds in which the text of a panic follows the hypervisor's word. */
const TEXT_FOLLOWS = 0.3;

/** Ends a look whose guest is gone. */
const over = Symbol("over");

/**
 * Decides whether a guest that gave a sign of death is dead. A shell that answers
 * is alive, and so is a guest without one while it goes on to print; one that
 * ends or is reset before it has answered was dead.
 */
export class DeathWatch {
  readonly #console: SerialConsole;
  readonly #shell: () => Shell | undefined;
  /** An answer explains the signs that were there when it was asked for. */
  #latest?: DeathSign;
  #look?: AbortController;
  /** Whether the guest has not yet answered since the latest sign. */
  #isSilent = false;

  /**
   * Looks at a guest whenever its console gives a sign of death.
   *
   * @param console The guest's console, which is told what was found.
   * @param shell Gives the guest's shell, once there is one.
   */
  constructor(console: SerialConsole, shell: () => Shell | undefined) {
    this.#console = console;
    this.#shell = shell;
    console.onSign((sign) => this.#suspect(sign));
  }

  /** The hypervisor says that the guest's kernel panicked. */
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

  /** The guest ended or was reset: what nobody has answered for was its death. */
  conclude(): void {
    if (this.#look !== undefined && this.#isSilent) this.#console.die();
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
      // Its other processors run on until the kernel has said all it has to.
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
