import { after, delay, orAbort } from "../time/mod.ts";
import { ShellLost } from "./errors.ts";
import type { GuestCalls } from "./guest_calls.ts";
import type { Message } from "./message.ts";
import type { Patience } from "./patience.ts";

/** Seconds between two looks for ports that follow their console. */
const LOOK = 0.025;
/** How often they are looked for. */
const LOOKS = 20;
/**
 * Seconds after which the shell is asked again, since the console may have lost
 * the answer. Each wait is twice as long as the one before.
 */
const ASK_AGAIN = 5;
/**
 * How often a shell is asked whether it has the guest's side before it is sent
 * that anew: a slow guest takes long to read it.
 */
const PATIENT = 2;

/** What a {@linkcode Backdoor} stands on. */
export interface BackdoorOptions {
  readonly calls: GuestCalls;
  readonly patience: Patience;
  /** Whether ports of the guest have yet to be named. */
  readonly lacksPorts: () => boolean;
  /**
   * Called when the shell has the guest's side, before anybody uses the shell.
   */
  readonly onReady: () => void;
  /** Seconds that a saved shell took to read the guest's side. */
  readonly savedPace?: number;
  /**
   * Called when a new shell has replaced this one. It calls {@linkcode
   * Backdoor.lose}.
   */
  readonly lose: (reason: string) => void;
}

/** The progress of the shell that reads the console. */
type State =
  /** It has not greeted. */
  | "awaited"
  /** It has greeted, and does not have the guest's side. */
  | "there"
  /** It was sent the guest's side, or had it when the guest was saved. */
  | "told"
  /** It has the guest's side, and has named its ports. */
  | "ready";

/** The life of one shell, from the wait for it to its loss. */
class Life {
  readonly #end = new AbortController();
  readonly greeted = Promise.withResolvers<void>();
  readonly up = Promise.withResolvers<void>();
  found = Promise.withResolvers<void>();

  constructor() {
    for (const { promise } of [this.greeted, this.up, this.found]) {
      promise.catch(() => {});
    }
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  lookAgain(): void {
    this.found = Promise.withResolvers();
    this.found.promise.catch(() => {});
  }

  end(error: ShellLost): void {
    this.#end.abort(error);
    for (const { reject } of [this.greeted, this.up, this.found]) reject(error);
  }
}

/** A greeting, perhaps of another shell. */
interface Doubt {
  /** What the shell was asked; one answer is enough. */
  readonly questions: Set<string>;
  readonly cancel: () => void;
}

/**
 * The shell in the guest that reads the console. This waits for its greeting,
 * sends it the guest's side of the protocol, and tells it from a new shell.
 */
export class Backdoor {
  readonly #options: BackdoorOptions;
  readonly #calls: GuestCalls;
  #state: State;
  #life = new Life();
  #connecting?: Promise<void>;
  /** Why no shell can be connected to, until another greets. */
  #refusal?: ShellLost;
  #isClosed = false;
  #doubt?: Doubt;
  /**
   * Questions about which shell reads the console, and the callers that wait
   * for the answers.
   */
  readonly #questions = new Map<string, (isNew: boolean) => void>();
  #pace: number;

  constructor(options: BackdoorOptions) {
    this.#options = options;
    this.#calls = options.calls;
    this.#state = options.savedPace === undefined ? "awaited" : "told";
    this.#pace = options.savedPace ?? 0;
  }

  /** Whether it has the guest's side, so that commands can run. */
  get isReady(): boolean {
    return this.#state === "ready";
  }

  /** Whether it has sent anything, so that it can be asked. */
  get isThere(): boolean {
    return this.#state !== "awaited";
  }

  /** Seconds that it took to read the guest's side; 0 before. */
  get pace(): number {
    return this.#pace;
  }

  /** Aborted when the present or awaited shell is lost. */
  get life(): AbortSignal {
    return this.#life.signal;
  }

  /**
   * Waits for the shell and readies it. Costs nothing if it is ready.
   *
   * @throws {ShellLost} if the guest goes away meanwhile.
   */
  connect(): Promise<void> {
    return this.#connecting ??= this.#connect();
  }

  async #connect(): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal;
    const life = this.#life;
    if (this.#state === "told") return await this.#takeUp(life.signal);
    await life.greeted.promise;
    life.signal.throwIfAborted();
    this.#state = "told";
    const began = performance.now();
    this.#calls.tell();
    await atLast(life.up.promise, (before) => {
      if (before < PATIENT) this.#calls.askUp();
      else this.#calls.tellAnew();
    });
    life.signal.throwIfAborted();
    this.#pace = (performance.now() - began) / 1000;
    await atLast(life.found.promise, () => this.#calls.find());
    life.signal.throwIfAborted();
    // The devices of ports may follow their console by a moment.
    for (let looks = 0; looks < LOOKS && this.#options.lacksPorts(); looks++) {
      await delay(LOOK, life.signal);
      life.lookAgain();
      this.#calls.find();
      await atLast(life.found.promise, () => this.#calls.find());
      life.signal.throwIfAborted();
    }
    this.#state = "ready";
    this.#options.onReady();
  }

  /**
   * Connects to the shell of a restored guest, which does not greet: it is as
   * it was saved.
   */
  async #takeUp(life: AbortSignal): Promise<void> {
    if (await this.#whoAtLast(life)) {
      this.#startedAnew();
      return await this.connect();
    }
    this.#state = "ready";
    this.#options.onReady();
  }

  /**
   * Asks the shell whether it lives. A late answer brings back a shell that was
   * declared lost.
   *
   * @returns Fulfilled when it has answered.
   */
  async answer(): Promise<void> {
    await this.#who();
  }

  /**
   * As {@linkcode answer}, but asks again where no answer comes.
   *
   * @param life That of the shell.
   * @throws {ShellLost} if the shell is lost meanwhile.
   */
  async answerAtLast(life: AbortSignal): Promise<void> {
    await this.#whoAtLast(life);
  }

  /** As {@linkcode #who}, but asks again where no answer comes. */
  async #whoAtLast(life: AbortSignal): Promise<boolean> {
    // An answer to a later question answers an earlier one, too.
    const answer = orAbort(this.#who(), life);
    return await atLast(answer, () => void this.#who());
  }

  /**
   * Asks which shell reads the console. The answer is whether it is a new one.
   */
  #who(): Promise<boolean> {
    const question = this.#calls.number();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#questions.set(question, resolve);
    this.#calls.askWho(question);
    return promise;
  }

  /** A shell has greeted. */
  greeted(): void {
    if (this.#isClosed) return;
    // Anybody can write a greeting.
    if (this.#state === "told" || this.#state === "ready") this.#askWho();
    else this.#greet();
  }

  /** The shell has sent a message about itself. */
  hear(message: Message): void {
    switch (message.verb) {
      case "up":
        return this.#life.up.resolve();
      case "found":
        return this.#life.found.resolve();
      case "posix":
        return this.#calls.tellAnew();
      case "nobash":
        return this.#refuse(
          new ShellLost(
            "The guest's backdoor shell is not bash, and finds no bash in its " +
              "PATH to run commands with",
          ),
        );
      case "shell":
        return this.#hearWho(message.question, message.isNew);
    }
  }

  /** The shell is gone: all waits for it fail. */
  lose(error: ShellLost): void {
    this.#state = "awaited";
    const doubt = this.#doubt;
    doubt?.cancel();
    this.#doubt = undefined;
    this.#connecting = undefined;
    this.#life.end(error);
    if (this.#isClosed) return;
    this.#life = new Life();
    // The news of the loss may come later than the next shell's greeting, which
    // does not come again.
    if (doubt !== undefined) this.answer();
  }

  /** After the loss of this shell, no other will come. */
  close(error: ShellLost): void {
    this.#isClosed = true;
    this.#refusal = error;
  }

  #greet(): void {
    this.#state = "there";
    if (this.#refusal !== undefined) this.#connecting = undefined;
    this.#refusal = undefined;
    this.#life.greeted.resolve();
  }

  /** Asks whether the shell that reads the console has the guest's side. */
  #askWho(): void {
    this.#doubt?.cancel();
    const questions = new Set<string>();
    const ask = () => {
      const question = this.#calls.number();
      questions.add(question);
      this.#calls.askWho(question);
    };
    ask();
    const stop = askAgain(ask);
    const cancel = this.#options.patience(() => this.#startedAnew());
    this.#doubt = {
      questions,
      cancel() {
        stop();
        cancel();
      },
    };
  }

  #hearWho(question: string, isNew: boolean): void {
    if (this.#questions.has(question)) return this.#hearAnswer(question, isNew);
    if (!this.#doubt?.questions.has(question)) return;
    this.#doubt.cancel();
    this.#doubt = undefined;
    if (isNew) this.#startedAnew();
  }

  #hearAnswer(question: string, isNew: boolean): void {
    if (this.#state === "awaited") this.#greet();
    // The console may have lost the answers to earlier questions.
    for (const [earlier, answered] of [...this.#questions]) {
      this.#questions.delete(earlier);
      answered(isNew);
      if (earlier === question) break;
    }
  }

  #startedAnew(): void {
    this.#options.lose("The guest's shell has started again");
    this.#greet();
  }

  /** Nothing will change until another shell greets. */
  #refuse(error: ShellLost): void {
    this.#options.lose(error.message);
    this.#refusal = error;
  }
}

/**
 * Asks again, at longer and longer distances, what the console may have lost.
 *
 * @param ask Called with how often it was called before.
 * @returns A function that ends this.
 */
function askAgain(ask: (before: number) => void): () => void {
  let before = 0;
  const wait = () =>
    after(ASK_AGAIN * 2 ** before, () => {
      ask(before++);
      cancel = wait();
    });
  let cancel = wait();
  return () => cancel();
}

/** Waits for an answer, and asks again until it comes. */
async function atLast<T>(
  answer: Promise<T>,
  ask: (before: number) => void,
): Promise<T> {
  const stop = askAgain(ask);
  try {
    return await answer;
  } finally {
    stop();
  }
}
