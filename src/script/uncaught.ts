import { AsyncLocalStorage } from "node:async_hooks";
import { ScriptExit } from "./script_exit.ts";

/** Those who listen, the last of them last: it alone is told. */
const listening: Uncaught[] = [];
/** Whose script the code which runs now belongs to. */
const flow = new AsyncLocalStorage<Uncaught>();

/**
 * Turns what would end the process behind the driver's back into one failure:
 * an error that nobody catches, a rejection that nobody handles, and a call of
 * `Deno.exit`.
 */
export class Uncaught implements Disposable {
  /** Rejects with the first of it. */
  readonly failure: Promise<never>;
  readonly #fail: (error: unknown) => void;
  readonly #late: (error: unknown, isOwn: boolean) => void;
  readonly #exit = Deno.exit;
  #over = false;

  /**
   * Listens from now on.
   *
   * @param late Told of errors that come when the script is over already, and
   * whether it is the script that {@linkcode run} ran, or an earlier one.
   */
  constructor(late: (error: unknown, isOwn: boolean) => void) {
    const { promise, reject } = Promise.withResolvers<never>();
    // Nobody may be waiting for it at this moment.
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

  /** Runs a script. What it starts is told apart from what others have started. */
  run<T>(fn: () => T): T {
    return flow.run(this, fn);
  }

  /** The script is over: from now on, errors are for the record. */
  scriptEnded(): void {
    this.#over = true;
  }

  /** Listens no longer. */
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
