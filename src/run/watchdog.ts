import { exitSignals } from "./interruption.ts";
import { exitCodes } from "./exit_codes.ts";

/** Seconds without a sign of life after which a script blocks the process. */
const PATIENCE = 5;
/** The same after one more signal. */
const HURRY = 1;

/** What the thread beside is told: that we live, or how many seconds there are. */
type Word = "alive" | { deadline: number | undefined };

/**
 * Ends the process where a script never lets go of it, as `for (;;) {}` does:
 * then no timer of ours fires, and no signal is heard.
 *
 * A thread beside looks at the global timeout and at signals too. From then on
 * it wants a sign of life now and then; without one it ends the process, with
 * the exit status that tells why. The guard ends what the process owned.
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
   * Begins to look at the time.
   *
   * @param seconds What the script may take; `undefined`: no limit.
   * @returns What ends that when it is disposed of.
   */
  deadline(seconds: number | undefined): Disposable {
    this.#tell({ deadline: seconds });
    return {
      [Symbol.dispose]: () => this.#tell({ deadline: undefined }),
    };
  }

  /** Looks at nothing any more. */
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

/** Runs beside, and knows nothing but what is in it. */
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
      // Only the C library ends a process from here with a status.
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
      // Who asks twice does not want to wait.
      setTimeout(giveUp, hurry * 1000);
    });
  }
}
