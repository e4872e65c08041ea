import { after } from "../time/mod.ts";

/** How one command is run. */
export interface RunOptions {
  /** Seconds until its process group is ended; no limit by default. */
  timeout?: number;
  /**
   * Where stderr goes: to the guest's serial port (the default), into stdout,
   * or apart.
   */
  stderr?: "serial" | "merge" | "separate";
  /**
   * Takes stdout as it comes instead of collecting it. The bytes are valid
   * during the call only. If it returns a promise, a command on a port waits
   * for that before it can write much more.
   */
  onStdout?: (chunk: Uint8Array) => void | Promise<void>;
  /** Takes stderr as it comes, if that is separate. */
  onStderr?: (chunk: Uint8Array) => void;
  /**
   * Bytes for the command's stdin, which is empty by default. The stream does
   * not end: the command has to read all of it, and no more.
   */
  stdin?: AsyncIterable<Uint8Array>;
  /** Ends the command's process group and rejects with the reason. */
  signal?: AbortSignal;
  /** Called when the command has been sent as a whole, before it begins. */
  onSent?: () => void;
}

/** How a command ended. */
export interface RunResult {
  /** The exit status, 128 and the signal's number, or 124 after a timeout. */
  status: number;
  /** Whether the time limit ended it. */
  timedOut: boolean;
  /** What it wrote to stdout, unless `onStdout` took it. */
  stdout: Uint8Array;
  /**
   * What it wrote to stderr, if that is separate and not taken by `onStderr`.
   */
  stderr: Uint8Array;
}

/** Seconds a command gets between SIGTERM and SIGKILL. */
const GRACE = 1;
/** Seconds after SIGKILL until a command that can't die is left alone. */
const GIVE_UP = 5;

/** One command under way, whichever way it travels. */
export class Job {
  readonly done: Promise<RunResult>;
  readonly command: string;
  readonly options: RunOptions;
  readonly #resolve: (result: RunResult) => void;
  readonly #reject: (error: unknown) => void;
  readonly #stdout: Uint8Array[] = [];
  readonly #stderr: Uint8Array[] = [];
  /** Functions that cancel its timers and listeners. */
  readonly #timers: (() => void)[] = [];
  #timedOut = false;
  #onAbort?: () => void;
  #endEarly = () => {};
  /** Ends the processes of its group that outlive a command that was ended. */
  #sweep = () => {};
  #refused = false;
  /** Pending while a listener still works at output. */
  taken?: Promise<void>;
  /** Whether it is over and settled. */
  settled = false;
  /** Whether it has ended, or was asked to. */
  over = false;

  constructor(command: string, options: RunOptions) {
    this.command = command;
    this.options = options;
    const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
    this.done = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  stdout(bytes: Uint8Array): void {
    this.#give(bytes, this.#stdout, this.options.onStdout);
  }

  stderr(bytes: Uint8Array): void {
    this.#give(bytes, this.#stderr, this.options.onStderr);
  }

  #give(
    bytes: Uint8Array,
    kept: Uint8Array[],
    take?: (bytes: Uint8Array) => void | Promise<void>,
  ): void {
    if (this.#refused) return;
    if (take === undefined) return void kept.push(bytes.slice());
    // If its listener throws, a caller needs neither the rest nor the command.
    const refuse = (error: unknown) => {
      this.#refused = true;
      this.#endEarly();
      this.#reject(error);
    };
    try {
      this.taken = take(bytes)?.catch(refuse);
    } catch (error) {
      refuse(error);
    }
  }

  /** Keeps the deadline: `kill` signals, `abandon` gives the way up. */
  watch(kill: (signal: string) => void, abandon: () => void): void {
    const later = (seconds: number, fn: () => void) =>
      this.#timers.push(after(seconds, fn));
    const end = () => {
      this.over = true;
      kill("TERM");
      this.#sweep = () => kill("KILL");
      later(GRACE, () => kill("KILL"));
      later(GRACE + GIVE_UP, () => {
        abandon();
        this.end(124);
      });
    };
    this.#endEarly = end;
    const { timeout, signal } = this.options;
    if (timeout !== undefined) {
      later(Math.max(0, timeout), () => {
        this.#timedOut = true;
        end();
      });
    }
    if (signal !== undefined) {
      this.#onAbort = () => {
        end();
        // The timers live on: they still see to the process group's end.
        this.#reject(signal.reason);
      };
      if (signal.aborted) this.#onAbort();
      else signal.addEventListener("abort", this.#onAbort);
    }
  }

  /**
   * Keeps the deadline of a job that waits for its turn, as late as that of a
   * command that can't be ended: in a paused guest, its turn never comes.
   *
   * @param leave Ends its wait.
   */
  watchTurn(leave: () => void): void {
    const { timeout } = this.options;
    if (timeout === undefined) return;
    this.#timers.push(after(Math.max(0, timeout) + GRACE + GIVE_UP, () => {
      leave();
      this.#timedOut = true;
      this.end(124);
    }));
  }

  /** Suspends the deadline, until it is watched again. */
  unwatch(): void {
    this.#forget();
  }

  /** Returns to the state before the run: nothing of the command had begun. */
  rewind(): void {
    this.settled = this.over = false;
    this.unwatch();
  }

  /**
   * The command has ended, and the rest of its output is on its way: its limit
   * does not hold for that, and its group ends now if it was to.
   */
  ended(): void {
    this.#settle();
    this.#sweep();
  }

  end(status: number): void {
    this.ended();
    this.#resolve({
      status: this.#timedOut ? 124 : status,
      timedOut: this.#timedOut,
      stdout: concat(this.#stdout),
      stderr: concat(this.#stderr),
    });
  }

  fail(error: unknown): void {
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    this.settled = this.over = true;
    this.#forget();
  }

  #forget(): void {
    for (const cancel of this.#timers.splice(0)) cancel();
    if (this.#onAbort !== undefined) {
      this.options.signal?.removeEventListener("abort", this.#onAbort);
    }
  }
}

function concat(chunks: Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0];
  const whole = new Uint8Array(
    chunks.reduce((sum, chunk) => sum + chunk.length, 0),
  );
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
