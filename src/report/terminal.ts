import { harmless } from "../scan/mod.ts";
import {
  isShown,
  type Listener,
  type LogLevel,
  type RunEvent,
} from "./event.ts";
import { Lanes, type Place } from "./lanes.ts";
import { writeStandardError } from "./standard_error.ts";
import { TextBatch } from "./text_batch.ts";

/**
 * When the terminal shows the lines of serial consoles: as they come, never, or
 * the last of each machine where the run fails.
 */
export type ConsoleDisplay = "live" | "quiet" | "failed";

/** Options of {@linkcode TerminalListener}. */
export interface TerminalOptions {
  /**
   * Takes the text, whole lines each time. Default: writes to standard error. A
   * prompt gives its own here, to draw its input line anew below the text.
   */
  write?: (text: string) => void;
  /** Whether to use colour. Default: only on a terminal, and not with `NO_COLOR`. */
  colour?: boolean;
  /** The lowest level of messages to show. Default: `"info"`. */
  level?: LogLevel;
  /** When to show the lines of serial consoles. Default: `"live"`. */
  console?: ConsoleDisplay;
}

/** Lines of each console that are shown where a run fails. */
const lastLines = 20;

const bold = 1, dim = 2, red = 31, green = 32, yellow = 33;

/**
 * Shows the log to a person.
 *
 * What is inside a step is indented, but for the outermost. Where steps run at the same time, each
 * of their lines begins with a number in brackets: lines of one number belong
 * together. Lines of a serial console begin with `machine # `.
 *
 * @example
 * ```ts
 * const log = new Log([new TerminalListener({ level: "warning" })]);
 * ```
 */
export class TerminalListener implements Listener {
  /** The lowest level of messages to show. */
  level: LogLevel;
  /** Whether to show the lines of serial consoles as they come. */
  serial: boolean;
  /** The last lines of each console, where they wait for a failure. */
  readonly #last: Map<string, string[]> | undefined;
  readonly #colour: boolean;
  readonly #batch: TextBatch;
  readonly #lanes = new Lanes();
  /** What each machine's console lines begin with. */
  readonly #prefixes = new Map<string, string>();

  /**
   * Shows what comes from now on.
   *
   * @param options How to show it.
   */
  constructor(options: TerminalOptions = {}) {
    const { level = "info", console = "live" } = options;
    this.level = level;
    this.serial = console === "live";
    if (console === "failed") this.#last = new Map();
    this.#colour = options.colour ??
      (!Deno.noColor && Deno.stderr.isTerminal());
    this.#batch = new TextBatch(options.write ?? writeStandardError);
  }

  /** See {@linkcode Listener.on}. */
  on(event: RunEvent): void {
    switch (event.type) {
      case "message":
        if (isShown(event.level, this.level)) this.#message(event);
        break;
      case "stepBegan":
        this.#began(event.id, event.step, event.machine, event.text);
        break;
      case "subtestBegan":
        this.#began(
          event.id,
          event.step,
          event.machine,
          `subtest: ${event.name}`,
        );
        break;
      case "stepEnded":
        this.#ended(event, event.text);
        break;
      case "subtestEnded":
        this.#ended(event, `subtest: ${event.name}`);
        break;
      case "consoleLine":
        if (this.serial) this.#consoleLine(event.machine, event.text);
        else this.#keep(event.machine, event.text);
        break;
      case "serialStdout":
        this.serial = event.on;
        break;
      case "logLevelSet":
        this.level = event.level;
        break;
      case "runEnded":
        this.#runEnded(event);
        break;
    }
  }

  /** See {@linkcode Listener.flush}. */
  flush(): void {
    this.#batch.flush();
  }

  /** See {@linkcode Listener.close}. */
  close(): void {
    this.#batch.flush();
  }

  #consoleLine(machine: string, text: string): void {
    let prefix = this.#prefixes.get(machine);
    if (prefix === undefined) {
      prefix = `${harmless(machine)} # `;
      this.#prefixes.set(machine, prefix);
    }
    this.#batch.add(this.#painted(prefix + text, dim) + "\n");
  }

  #keep(machine: string, text: string): void {
    if (this.#last === undefined) return;
    const lines = this.#last.get(machine);
    if (lines === undefined) this.#last.set(machine, [text]);
    else if (lines.push(text) > lastLines) lines.shift();
  }

  #message(event: RunEvent<"message">): void {
    const paint = event.level === "debug"
      ? [dim]
      : event.level === "warning"
      ? [yellow]
      : event.level === "error"
      ? [red]
      : [];
    const place = this.#lanes.get(event.step);
    const depth = place === undefined ? 0 : place.depth + 1;
    this.#say(place, depth, event.machine, event.text, ...paint);
  }

  #began(
    id: number,
    parent: number | undefined,
    machine: string | undefined,
    text: string,
  ): void {
    const place = this.#lanes.begin(id, parent);
    this.#say(place, place.depth, machine, text, bold, green);
  }

  #ended(
    event: { id: number; machine?: string; duration: number; error?: unknown },
    text: string,
  ): void {
    const how = event.error === undefined ? "finished" : "failed";
    const place = this.#lanes.get(event.id);
    this.#say(
      place,
      place?.depth ?? 0,
      event.machine,
      `(${how}: ${text}, in ${event.duration.toFixed(2)} seconds)`,
      ...(event.error === undefined ? [] : [red]),
    );
    this.#lanes.end(event.id);
  }

  #runEnded(event: RunEvent<"runEnded">): void {
    if (event.verdict === "failed" || event.verdict === "timeout") {
      for (const [machine, lines] of this.#last ?? []) {
        for (const line of lines) this.#consoleLine(machine, line);
      }
    }
    const text = event.detail ??
      (event.error && `${event.error.name}: ${event.error.message}`);
    if (text === undefined) return;
    const mark = this.#painted("!!!", red);
    for (const line of lines(text)) this.#batch.add(`${mark} ${line}\n`);
  }

  #say(
    place: Place | undefined,
    depth: number,
    machine: string | undefined,
    text: string,
    ...paint: number[]
  ): void {
    // The outermost step is the script itself in most runs: to indent for it
    // would indent everything.
    let before = "  ".repeat(Math.max(0, depth - 1));
    if (place !== undefined && this.#lanes.parallel) {
      before += `[${place.lane}] `;
    }
    let prefix = machine === undefined ? "" : `${harmless(machine)}: `;
    let out = "";
    for (const line of lines(text)) {
      out += `${before}${prefix}${this.#painted(line, ...paint)}\n`;
      prefix = "";
    }
    this.#batch.add(out);
  }

  #painted(text: string, ...codes: number[]): string {
    if (!this.#colour || codes.length === 0 || text === "") return text;
    return `\x1b[${codes.join(";")}m${text}\x1b[0m`;
  }
}

function lines(text: string): string[] {
  return harmless(text).replace(/\n$/, "").split("\n");
}
