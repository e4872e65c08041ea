import { exitSignals } from "./interruption.ts";
import { exitCodes } from "./exit_codes.ts";

/**
 * Seconds without a sign of life, after which the watchdog ends the process.
 */
const PATIENCE = 5;
/** The same after a second signal. */
const HURRY = 1;

/** A message to the thread: a sign of life, or the time limit in seconds. */
type Word = "alive" | { deadline: number | undefined };

/**
 * Ends the process if a script blocks it forever, as `for (;;) {}` does: then
 * no timer of the process fires, and it notices no signal.
 *
 * Another thread also watches the global timeout and the signals. When one of
 * them comes, the thread asks for signs of life. Without one, it ends the
 * process with the fitting exit status. The guard then ends the processes of
 * the run.
 */
export class Watchdog implements Disposable {
  readonly #worker: Worker;

  /** Begins to listen to signals. */
  constructor() {
    const options: ThreadOptions = {
      patience: PATIENCE,
      hurry: HURRY,
      timeoutStatus: exitCodes.timeout,
      signals: exitSignals,
    };
    const code = `(${thread})(${JSON.stringify(options)})`;
    this.#worker = new Worker(
      URL.createObjectURL(new Blob([code], { type: "text/javascript" })),
      { type: "module" },
    );
    this.#worker.onmessage = () => this.#tell("alive");
  }

  /**
   * Begins to watch the time.
   *
   * @param seconds The script's limit; `undefined`: none.
   * @returns An object that ends this when it is disposed.
   */
  deadline(seconds: number | undefined): Disposable {
    this.#tell({ deadline: seconds });
    return {
      [Symbol.dispose]: () => this.#tell({ deadline: undefined }),
    };
  }

  /** Ends the watchdog. */
  [Symbol.dispose](): void {
    this.#worker.terminate();
  }

  #tell(word: Word): void {
    this.#worker.postMessage(word);
  }
}

interface ThreadOptions {
  readonly patience: number;
  readonly hurry: number;
  readonly timeoutStatus: number;
  readonly signals: typeof exitSignals;
}

/** The thread's code. It can't use anything outside of this function. */
function thread(
  { patience, hurry, timeoutStatus, signals }: ThreadOptions,
): void {
  const beside = globalThis as unknown as {
    onmessage: (event: { data: Word }) => void;
    postMessage(question: "alive?"): void;
  };
  let time: ReturnType<typeof setTimeout> | undefined;
  let asking: ReturnType<typeof setInterval> | undefined;
  let answered = true;
  let giveUp = () => {};

  const wantLife = (status: number, why: string) => {
    if (asking !== undefined) return;
    giveUp = () => answered || end(status, why);
    const ask = () => {
      giveUp();
      answered = false;
      beside.postMessage("alive?");
    };
    asking = setInterval(ask, patience * 1000);
    ask();
  };
  const end = (status: number, why: string) => {
    console.error(
      `!!! ${why}, but the script blocks the process, which ends at once`,
    );
    try {
      // From a thread, only the C library can end the process with a status.
      Deno.dlopen("libc.so.6", {
        _exit: { parameters: ["i32"], result: "void" },
      }).symbols._exit(status);
    } catch {
      Deno.kill(Deno.pid, "SIGKILL");
    }
  };

  beside.onmessage = ({ data }) => {
    answered = true;
    if (data === "alive") return;
    clearTimeout(time);
    clearInterval(asking);
    asking = undefined;
    const { deadline } = data;
    if (deadline === undefined) return;
    const why =
      `The test took longer than its global timeout of ${deadline} seconds`;
    time = setTimeout(() => wantLife(timeoutStatus, why), deadline * 1000);
  };
  for (const [signal, message, status] of signals) {
    Deno.addSignalListener(signal, () => {
      if (asking === undefined) return wantLife(status, message);
      // A person who asks twice does not want to wait.
      setTimeout(giveUp, hurry * 1000);
    });
  }
}
