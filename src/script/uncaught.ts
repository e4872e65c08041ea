import { AsyncLocalStorage } from "node:async_hooks";
import { ScriptExit } from "./script_exit.ts";

/** The listeners, the latest last. Only the latest gets errors. */
const listening: Uncaught[] = [];
/** The listener of the script that the current code belongs to. */
const flow = new AsyncLocalStorage<Uncaught>();

/**
 * Turns events that would end the process into one failure of the script: an
 * uncaught error, an unhandled rejection, and a call of `Deno.exit`.
 */
export class Uncaught implements Disposable {
  /** Rejects with the first of these. */
  readonly failure: Promise<never>;
  readonly #fail: (error: unknown) => void;
  readonly #late: (error: unknown, isOwn: boolean) => void;
  readonly #exit = Deno.exit;
  #over = false;

  /**
   * Begins to listen.
   *
   * @param late Called for errors after the end of the script. `isOwn` tells
   * whether the error is of the script that {@linkcode run} ran, or of an
   * earlier one.
   */
  constructor(late: (error: unknown, isOwn: boolean) => void) {
    const { promise, reject } = Promise.withResolvers<never>();
    // Without this, a failure that nobody waits for would end the process.
    promise.catch(() => {});
    this.failure = promise;
    this.#fail = reject;
    this.#late = late;
    listening.push(this);
    globalThis.addEventListener("unhandledrejection", this.#onRejection);
    globalThis.addEventListener("error", this.#onError);
    Deno.exit = (code = Deno.exitCode) => {
      const error = new ScriptExit(code);
      this.#take(error);
      throw error;
    };
  }

  /**
   * Runs a script. Its errors are distinguished from those of earlier scripts.
   */
  run<T>(fn: () => T): T {
    return flow.run(this, fn);
  }

  /** Called when the script is over: later errors do not fail it. */
  scriptEnded(): void {
    this.#over = true;
  }

  /** Ends listening. */
  [Symbol.dispose](): void {
    listening.splice(listening.indexOf(this), 1);
    globalThis.removeEventListener("unhandledrejection", this.#onRejection);
    globalThis.removeEventListener("error", this.#onError);
    Deno.exit = this.#exit;
  }

  readonly #onRejection = (event: PromiseRejectionEvent) => {
    if (listening.at(-1) !== this) return;
    event.preventDefault();
    this.#take(event.reason);
  };

  readonly #onError = (event: ErrorEvent) => {
    if (listening.at(-1) !== this) return;
    event.preventDefault();
    this.#take(event.error);
  };

  #take(error: unknown): void {
    const isOwn = (flow.getStore() ?? this) === this;
    if (this.#over || !isOwn) this.#late(error, isOwn);
    else this.#fail(error);
  }
}
