import type { Interface } from "node:readline";
import type { Readable } from "node:stream";
import { divertStandardError } from "../../report/standard_error.ts";
import type { Terminal } from "../../terminal/mod.ts";
import type { History } from "./history.ts";
import { type Completer, INTERRUPTED, type LineReader } from "./line_reader.ts";

const CTRL_C = 0x03;
const CTRL_G = 0x07;
const CTRL_R = 0x12;
const BACKSPACE = [0x08, 0x7f];

/** A search in earlier lines. */
interface HistorySearch {
  /** The text to find. */
  query: string;
  /** The place of the found line in the history; -1 if there is none. */
  at: number;
  /** The line before the search. */
  readonly line: string;
}

/** Members of Node's readline that it does not declare. */
interface ReadlineState {
  line: string;
  cursor: number;
  prevRows: number;
  /** The latest line first. */
  history: string[];
}

/** Options of {@linkcode TerminalReader.open}. */
export interface TerminalReaderOptions {
  /** The lines of earlier prompts. */
  history: History;
  /** Completes the end of a line. */
  complete: Completer;
  /** Adds colours to a line, and nothing else. */
  highlight: (line: string) => string;
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
  readonly #highlight: (line: string) => string;
  readonly #disposables = new DisposableStack();
  #readline!: Interface & ReadlineState;
  #input!: Readable;
  #reading?: (line: string | typeof INTERRUPTED | undefined) => void;
  /** Lines that were typed ahead. */
  #ahead: Uint8Array[] = [];
  #ended = false;
  #onInterrupt = () => {};
  /** The prompt of the line that is read. */
  #prompt = "";
  #search?: HistorySearch;

  private constructor(
    terminal: Terminal,
    { history, highlight }: TerminalReaderOptions,
  ) {
    this.#terminal = terminal;
    this.#history = history;
    this.#highlight = highlight;
  }

  /** Takes the terminal until it is disposed. */
  static async open(
    terminal: Terminal,
    options: TerminalReaderOptions,
  ): Promise<TerminalReader> {
    const reader = new TerminalReader(terminal, options);
    await reader.#open(options.complete);
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
        decodeStrings: false,
        write: (chunk: string | Uint8Array, _encoding, done) => {
          terminal.write(this.#painted(chunk));
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
      this.#prompt = prompt;
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

  /** What readline shows of the line, in colours. */
  #painted(chunk: string | Uint8Array): string | Uint8Array {
    const { line } = this.#readline;
    if (
      !this.colours || typeof chunk !== "string" || chunk === "" ||
      this.#reading === undefined || this.#search !== undefined
    ) return chunk;
    if (chunk === this.#prompt + line) {
      return this.#prompt + this.#highlight(line);
    }
    // For a key at the line's end, readline shows only that character, but the
    // key may change the colours before it.
    const isTyped = line.endsWith(chunk) &&
      this.#readline.cursor === line.length;
    if (isTyped && this.#highlight(line) !== line) {
      this.#readline.prompt(true);
      return "";
    }
    return chunk;
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
      const begin = bytes.indexOf(CTRL_R);
      if (this.#search === undefined && begin > 0) {
        this.#take(bytes.subarray(0, begin));
        return this.#take(bytes.subarray(begin));
      }
      if (this.#search !== undefined || begin === 0) {
        bytes = this.#takeSearch(bytes);
        if (bytes.length === 0) return;
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

  /**
   * Takes the keys of a search in earlier lines, as in shells: each Ctrl-R goes
   * further back, Ctrl-G and Ctrl-C leave, other keys take the line.
   *
   * @returns The keys after the search.
   */
  #takeSearch(bytes: Uint8Array): Uint8Array {
    const { line, history } = this.#readline;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      const search = this.#search;
      if (search === undefined) {
        if (byte !== CTRL_R) return bytes.subarray(at);
        this.#search = { query: "", at: -1, line };
      } else if (byte === CTRL_R) {
        this.#find(search, search.at + 1);
      } else if (byte === CTRL_G || byte === CTRL_C) {
        this.#endSearch(search.line);
      } else if (BACKSPACE.includes(byte)) {
        search.query = [...search.query].slice(0, -1).join("");
        this.#find(search, 0);
      } else if (byte < 0x20) {
        this.#endSearch(history[search.at] ?? search.line);
        return bytes.subarray(at);
      } else {
        let end = at;
        while (bytes[end] >= 0x20 && !BACKSPACE.includes(bytes[end])) end++;
        search.query += new TextDecoder().decode(bytes.subarray(at, end));
        at = end - 1;
        this.#find(search, Math.max(0, search.at));
      }
    }
    if (this.#search !== undefined) this.#showSearch(this.#search);
    return new Uint8Array(0);
  }

  /** Finds the next line with the query, from a place in the history on. */
  #find(search: HistorySearch, from: number): void {
    const { query } = search;
    if (query === "") return;
    const found = this.#readline.history.findIndex((line, at) =>
      at >= from && line.includes(query)
    );
    if (found >= 0) search.at = found;
  }

  #showSearch({ query, at }: HistorySearch): void {
    const found = this.#readline.history[at];
    const isFound = found !== undefined && found.includes(query);
    const mark = isFound || query === "" ? "search" : "not found";
    this.#edit(isFound ? found : "", `(${mark}) ${query}: `);
  }

  #endSearch(line: string): void {
    this.#search = undefined;
    this.#edit(line, this.#prompt);
  }

  /** Sets another line, and another prompt before it. */
  #edit(line: string, prompt: string): void {
    this.#readline.line = line;
    this.#readline.cursor = line.length;
    this.#readline.setPrompt(prompt);
    this.#readline.prompt(true);
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
