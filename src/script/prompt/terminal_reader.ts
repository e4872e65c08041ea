import type { Interface } from "node:readline";
import type { Readable } from "node:stream";
import { divertStandardError } from "../../report/standard_error.ts";
import type { Terminal } from "../../terminal/mod.ts";
import type { History } from "./history.ts";
import { type Completer, INTERRUPTED, type LineReader } from "./line_reader.ts";

const CTRL_C = 0x03;

/** Members of Node's readline that it does not declare. */
interface ReadlineState {
  line: string;
  cursor: number;
  prevRows: number;
}

/**
 * Reads lines at a terminal, with editing, a history, completion, and text
 * above the input line.
 */
export class TerminalReader implements LineReader {
  readonly colours = !Deno.noColor;
  /** Output reaches a terminal at once. */
  readonly written: Promise<void> = Promise.resolve();
  readonly #terminal: Terminal;
  readonly #history: History;
  readonly #disposables = new DisposableStack();
  #readline!: Interface & ReadlineState;
  #input!: Readable;
  #reading?: (line: string | typeof INTERRUPTED | undefined) => void;
  /** Lines that were typed ahead. */
  #ahead: Uint8Array[] = [];
  #ended = false;
  #onInterrupt = () => {};

  private constructor(terminal: Terminal, history: History) {
    this.#terminal = terminal;
    this.#history = history;
  }

  /** Takes the terminal until it is disposed. */
  static async open(
    terminal: Terminal,
    history: History,
    complete: Completer,
  ): Promise<TerminalReader> {
    const reader = new TerminalReader(terminal, history);
    await reader.#open(complete);
    return reader;
  }

  async #open(complete: Completer): Promise<void> {
    const [{ createInterface }, { Readable, Writable }] = await Promise.all([
      import("node:readline"),
      import("node:stream"),
    ]);
    const terminal = this.#terminal;
    // The driver passes the keys to readline, because guests use the terminal
    // in between.
    this.#input = Object.assign(new Readable({ read() {} }), { isTTY: true });
    const output = Object.defineProperties(
      new Writable({
        write(chunk, _encoding, done) {
          terminal.write(chunk);
          done();
        },
      }),
      {
        isTTY: { value: true },
        columns: { get: () => terminal.size.columns },
        rows: { get: () => terminal.size.rows },
      },
    );
    this.#readline = createInterface({
      input: this.#input,
      output,
      terminal: true,
      history: [...this.#history.lines].reverse(),
      historySize: Math.max(1000, this.#history.lines.length),
      removeHistoryDuplicates: true,
      completer: (
        line: string,
        answer: (error: unknown, found: [string[], string]) => void,
      ) => {
        complete(line).then(
          (found) => answer(null, found),
          () => answer(null, [[], ""]),
        );
      },
      // deno-lint-ignore no-explicit-any
    } as any) as unknown as Interface & ReadlineState;
    this.#readline.on("line", (line: string) => {
      // Keys that came before the last line was done make the next line.
      if (this.#reading === undefined) {
        return this.#ahead.unshift(new TextEncoder().encode(`${line}\n`));
      }
      this.#history.add(line);
      this.#answer(line);
    });
    this.#readline.on("SIGINT", () => {
      this.#readline.line = "";
      this.#readline.cursor = 0;
      this.#terminal.write("^C\n");
      this.#answer(INTERRUPTED);
    });
    this.#readline.on("SIGTSTP", () => {
      this.#terminal.write("\n");
      this.#terminal.suspend();
      this.#draw();
    });
    this.#readline.on("close", () => this.#end());
    this.#disposables.use(terminal.onResize(() => output.emit("resize")));
    this.#disposables.use(
      divertStandardError((text) => this.print(text)),
    );
    this.#disposables.use(terminal.take({
      take: (bytes) => this.#take(bytes),
      end: () => this.#end(),
    }));
    this.#disposables.defer(() => {
      this.#readline.removeAllListeners("close");
      this.#readline.close();
    });
  }

  /** Reads a line. */
  read(prompt: string): Promise<string | typeof INTERRUPTED | undefined> {
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#reading = resolve;
      this.#readline.setPrompt(prompt);
      this.#readline.prompt();
      const ahead = this.#ahead.splice(0).flatMap((bytes) => [...bytes]);
      if (ahead.length > 0) this.#take(Uint8Array.from(ahead));
    });
  }

  /** Shows whole lines; above the input line, if one is being read. */
  print(text: string): void {
    const lines = text.endsWith("\n") ? text : `${text}\n`;
    if (this.#reading === undefined) return this.#terminal.write(lines);
    const { rows } = this.#readline.getCursorPos();
    const up = rows > 0 ? `\x1b[${rows}A` : "";
    this.#terminal.write(`${up}\r\x1b[J${lines}`);
    this.#draw();
  }

  /** Sets the function to call for Ctrl-C while no line is read. */
  onInterrupt(listener: () => void): void {
    this.#onInterrupt = listener;
  }

  /** Gives the terminal back. */
  [Symbol.dispose](): void {
    this.#answer(undefined);
    this.#disposables.dispose();
  }

  #draw(): void {
    this.#readline.prevRows = 0;
    this.#readline.prompt(true);
  }

  #take(bytes: Uint8Array): void {
    if (this.#reading !== undefined) {
      if (this.#ahead.length > 0) {
        this.#ahead.push(bytes.slice());
        return;
      }
      // The bytes after the line's end belong to the next read.
      const end = bytes.findIndex((byte) => byte === 10 || byte === 13);
      if (end < 0 || end === bytes.length - 1) {
        this.#input.push(bytes.slice());
        return;
      }
      this.#input.push(bytes.slice(0, end + 1));
      this.#ahead.push(bytes.slice(end + 1));
      return;
    }
    const at = bytes.lastIndexOf(CTRL_C);
    if (at >= 0) {
      this.#ahead = [];
      this.#terminal.write("^C\n");
      this.#onInterrupt();
    }
    if (at < bytes.length - 1) this.#ahead.push(bytes.slice(at + 1));
  }

  #answer(line: string | typeof INTERRUPTED | undefined): void {
    const answer = this.#reading;
    this.#reading = undefined;
    answer?.(line);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#reading === undefined) return this.#onInterrupt();
    this.#terminal.write("\n");
    this.#answer(undefined);
  }
}
