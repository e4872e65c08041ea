import { writeTerminal } from "./write.ts";

/** Who gets what is typed. */
export interface Typist {
  /** Takes the bytes as they come. */
  take(bytes: Uint8Array): void;
  /** Told when there will be no more. */
  end?(): void;
  /**
   * Whether what it writes goes to the terminal as it is, as another system's
   * terminal does. Otherwise a line feed starts a new line.
   */
  verbatim?: boolean;
}

/** The size of a terminal, in characters. */
export interface TerminalSize {
  /** Its width. */
  columns: number;
  /** Its height. */
  rows: number;
}

/** The part of Node's process that reads the terminal. */
interface TerminalInput {
  setRawMode(raw: boolean): unknown;
  on(event: "data" | "end", listener: (chunk: Uint8Array) => void): unknown;
  off(event: "data" | "end", listener: (chunk: Uint8Array) => void): unknown;
  resume(): unknown;
  pause(): unknown;
  ref(): unknown;
  unref(): unknown;
}

/**
 * The terminal that the process was started at.
 *
 * Whoever wants its keys takes them; the last who did gets them until it gives
 * them back. While somebody has them, every key is a byte or several, Ctrl-C
 * too, and none is shown by itself.
 */
export class Terminal {
  static #opened?: Promise<Terminal>;
  readonly #input: TerminalInput;
  readonly #typists: Typist[] = [];
  #restore?: () => void;
  #verbatim = false;

  private constructor(input: TerminalInput) {
    this.#input = input;
    // However the process ends, the terminal is left as it was.
    globalThis.addEventListener("unload", () => this.#set(undefined));
  }

  /** Whether somebody sits at a terminal. */
  static get present(): boolean {
    return Deno.stdin.isTerminal() &&
      (Deno.stdout.isTerminal() || Deno.stderr.isTerminal());
  }

  /** The process' terminal. */
  static open(): Promise<Terminal> {
    // Node's stdin, and not Deno's: a read of that can't be taken back, so
    // that one key more would be swallowed, and the process kept alive for it.
    return Terminal.#opened ??= import("node:process").then((
      { default: { stdin } },
    ) => new Terminal(stdin as unknown as TerminalInput));
  }

  /** Gives the keys to `typist` until the answer is disposed of. */
  take(typist: Typist): Disposable {
    this.#typists.push(typist);
    this.#set(typist);
    return {
      [Symbol.dispose]: () => {
        const index = this.#typists.indexOf(typist);
        if (index < 0) return;
        this.#typists.splice(index, 1);
        this.#set(this.#typists.at(-1));
      },
    };
  }

  /** The terminal's size; 80 by 24 where it does not say. */
  get size(): TerminalSize {
    try {
      const { columns, rows } = Deno.consoleSize();
      if (columns > 0 && rows > 0) return { columns, rows };
    } catch {
      // None of the standard streams is a terminal.
    }
    return { columns: 80, rows: 24 };
  }

  /** Calls `listener` when the size has changed, until disposed of. */
  onResize(listener: () => void): Disposable {
    Deno.addSignalListener("SIGWINCH", listener);
    return {
      [Symbol.dispose]: () => Deno.removeSignalListener("SIGWINCH", listener),
    };
  }

  /** Shows `data` as it is. */
  write(data: Uint8Array | string): void {
    writeTerminal(data);
  }

  /** Stops the process, as Ctrl-Z does; returns when it is continued. */
  suspend(): void {
    this.#set(undefined);
    Deno.kill(Deno.pid, "SIGSTOP");
    this.#set(this.#typists.at(-1));
  }

  readonly #onData = (chunk: Uint8Array) => {
    this.#typists.at(-1)?.take(chunk);
  };

  readonly #onEnd = () => {
    for (const typist of [...this.#typists].reverse()) typist.end?.();
  };

  /** Makes the terminal what the one who has the keys needs. */
  #set(typist: Typist | undefined): void {
    const verbatim = typist?.verbatim ?? false;
    if (this.#verbatim && !verbatim) stty("opost");
    if (typist !== undefined && this.#restore === undefined) {
      const input = this.#input;
      input.setRawMode(true);
      input.on("data", this.#onData);
      input.on("end", this.#onEnd);
      input.ref();
      input.resume();
      this.#restore = () => {
        input.pause();
        input.unref();
        input.off("data", this.#onData);
        input.off("end", this.#onEnd);
        input.setRawMode(false);
      };
    }
    if (typist === undefined) {
      this.#restore?.();
      this.#restore = undefined;
    }
    if (!this.#verbatim && verbatim) stty("-opost");
    this.#verbatim = verbatim;
  }
}

/**
 * Sets what neither Deno nor Node offers. Where there is no stty, a few
 * full-screen programs look wrong, no more.
 */
function stty(...args: string[]): void {
  try {
    new Deno.Command("stty", {
      args,
      stdin: "inherit",
      stdout: "null",
      stderr: "null",
    }).outputSync();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
