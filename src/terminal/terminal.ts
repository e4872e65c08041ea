import { writeTerminal } from "./write.ts";

/** A part of the program that gets the typed keys. */
export interface Typist {
  /** Takes the bytes as they come. */
  take(bytes: Uint8Array): void;
  /** Called when no more bytes come. */
  end?(): void;
  /**
   * Whether its output goes to the terminal unchanged, as that of another
   * system's terminal must. Otherwise a line feed also starts a new line.
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
 * A part of the program takes the keys, and gets them until it gives them back
 * or another part takes them. Meanwhile each key, even Ctrl-C, is one or
 * several bytes, and the terminal does not echo it.
 */
export class Terminal {
  static #opened?: Promise<Terminal>;
  readonly #input: TerminalInput;
  readonly #typists: Typist[] = [];
  #restore?: () => void;
  #verbatim = false;

  private constructor(input: TerminalInput) {
    this.#input = input;
    // Restores the terminal however the process ends.
    globalThis.addEventListener("unload", () => this.#set(undefined));
  }

  /** Whether a person is at a terminal. */
  static get present(): boolean {
    return Deno.stdin.isTerminal() &&
      (Deno.stdout.isTerminal() || Deno.stderr.isTerminal());
  }

  /** The process' terminal. */
  static open(): Promise<Terminal> {
    // This uses Node's stdin. A read of Deno's can't be cancelled: it would
    // swallow one more key, and keep the process alive for it.
    return Terminal.#opened ??= import("node:process").then((
      { default: { stdin } },
    ) => new Terminal(stdin as unknown as TerminalInput));
  }

  /** Gives the keys to `typist` until the returned object is disposed. */
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

  /** The terminal's size; 80 by 24 if it is unknown. */
  get size(): TerminalSize {
    try {
      const { columns, rows } = Deno.consoleSize();
      if (columns > 0 && rows > 0) return { columns, rows };
    } catch {
      // None of the standard streams is a terminal.
    }
    return { columns: 80, rows: 24 };
  }

  /**
   * Calls `listener` when the size changes, until the returned object is
   * disposed.
   */
  onResize(listener: () => void): Disposable {
    Deno.addSignalListener("SIGWINCH", listener);
    return {
      [Symbol.dispose]: () => Deno.removeSignalListener("SIGWINCH", listener),
    };
  }

  /** Writes `data` unchanged. */
  write(data: Uint8Array | string): void {
    writeTerminal(data);
  }

  /** Stops the process, as Ctrl-Z does. Returns when the process continues. */
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

  /**
   * Sets the terminal's modes for the part of the program that has the keys.
   */
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
 * Sets modes that neither Deno nor Node offers. Without stty, a few full-screen
 * programs look wrong.
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
