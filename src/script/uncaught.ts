import { ScriptExit } from "./script_exit.ts";

/**
 * Turns what would end the process behind the driver's back into one failure:
 * an error that nobody catches, a rejection that nobody handles, and a call of
 * `Deno.exit`.
 */
export class Uncaught implements Disposable {
  /** Rejects with the first of it. */
  readonly failure: Promise<never>;
  readonly #fail: (error: unknown) => void;
  readonly #late: (error: unknown) => void;
  readonly #exit = Deno.exit;
  #over = false;

  /**
   * Listens from now on.
   *
   * @param late Told of errors that come when the script is over already.
   */
  constructor(late: (error: unknown) => void) {
    const { promise, reject } = Promise.withResolvers<never>();
    // Nobody may be waiting for it at this moment.
    promise.catch(() => {});
    this.failure = promise;
    this.#fail = reject;
    this.#late = late;
    globalThis.addEventListener("unhandledrejection", this.#onRejection);
    globalThis.addEventListener("error", this.#onError);
    Deno.exit = (code = Deno.exitCode) => {
      const error = new ScriptExit(code);
      this.#take(error);
      throw error;
    };
  }

  /** The script is over: from now on, errors are for the record. */
  scriptEnded(): void {
    this.#over = true;
  }

  /** Listens no longer. */
  [Symbol.dispose](): void {
    globalThis.removeEventListener("unhandledrejection", this.#onRejection);
    globalThis.removeEventListener("error", this.#onError);
    Deno.exit = this.#exit;
  }

  readonly #onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    this.#take(event.reason);
  };

  readonly #onError = (event: ErrorEvent) => {
    event.preventDefault();
    this.#take(event.error);
  };

  #take(error: unknown): void {
    if (this.#over) this.#late(error);
    else this.#fail(error);
  }
}
