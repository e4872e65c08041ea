import {
  isShown,
  type Listener,
  type LogLevel,
  type RunEvent,
} from "./event.ts";
import { Activity } from "./activity.ts";
import { type CiMarkup, guarded, markups } from "./ci.ts";
import { failuresOf } from "./failures.ts";
import { Lanes, type Place } from "./lanes.ts";
import { oneLine, plainLines } from "./plain_lines.ts";
import { pathOf } from "./positions.ts";
import { Silence } from "./silence.ts";
import { writeStandardError } from "./standard_error.ts";
import { StatusArea } from "./status_area.ts";
import { statusLines } from "./status_lines.ts";
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
   * prompt gives its own function here, to redraw its input line below the
   * text.
   */
  write?: (text: string) => void;
  /** Whether to use colour. Default: only on a terminal, and not with `NO_COLOR`. */
  colour?: boolean;
  /** The lowest level of messages to show. Default: `"info"`. */
  level?: LogLevel;
  /**
   * When to show the lines of serial consoles. Default: `"live"`; with
   * {@linkcode TerminalOptions.live} `"quiet"`.
   */
  console?: "live" | "quiet" | "failed";
  /**
   * Whether lines that change in place tell, below the log on standard error,
   * what each machine does; the log has a line a step, when that is over. Only
   * for a terminal. Default: no.
   */
  live?: boolean;
  /** The system whose groups and annotations to write. Default: none. */
  ci?: "github" | "gitlab";
}

/** How many waits a line names after a silence, at most. */
const mostWaits = 4;
/** Lines of each console that are shown where a run fails. */
const lastLines = 20;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

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
  /** See {@linkcode Listener.takesPlaces}. */
  readonly takesPlaces = false;
  /** The lowest level of messages to show. */
  level: LogLevel;
  /** Whether to show the lines of serial consoles as they come. */
  serial: boolean;
  /** The last lines of each console, where they wait for a failure. */
  readonly #last: Map<string, string[]> | undefined;
  readonly #colour: boolean;
  readonly #batch: TextBatch;
  readonly #lanes = new Lanes();
  /** The prefix of each machine's console lines. */
  readonly #prefixes = new Map<string, string>();
  readonly #area: StatusArea | undefined;
  readonly #activity = new Activity();
  readonly #markup: CiMarkup | undefined;
  /** The step whose lines are in a group that can be folded. */
  #group: number | undefined;
  readonly #silence = new Silence(() => this.#tellWaits());
  #name = "VM test";

  /** See {@linkcode Listener.onOutput}; only if lines below the log show it. */
  readonly onOutput?: (machine: string, text: string) => void;

  /**
   * Shows later events.
   *
   * @param options How to show it.
   */
  constructor(options: TerminalOptions = {}) {
    const { level = "info", live = false, ci } = options;
    const { console = live ? "quiet" : "live" } = options;
    this.level = level;
    this.#markup = ci && markups[ci];
    this.serial = console === "live";
    if (console === "failed") this.#last = new Map();
    this.#colour = options.colour ??
      (!Deno.noColor && Deno.stderr.isTerminal());
    const given = options.write;
    let write = given === undefined
      ? writeStandardError
      : (bytes: Uint8Array) => given(decoder.decode(bytes));
    if (live) {
      const area = this.#area = new StatusArea((width) =>
        statusLines(
          this.#activity,
          width,
          (text) => this.#painted(text, dim),
        )
      );
      this.onOutput = (machine, text) => this.#activity.onOutput(machine, text);
      write = (bytes) => area.write(bytes);
    }
    this.#batch = new TextBatch((bytes) => {
      this.#silence.shown();
      write(bytes);
    });
  }

  /** See {@linkcode Listener.on}. */
  on(event: RunEvent): void {
    this.#activity.on(event);
    switch (event.type) {
      case "runBegan":
        this.#name = event.name ?? this.#name;
        break;
      case "message":
        if (isShown(event.level, this.level)) this.#message(event);
        break;
      case "stepBegan":
        if (event.role === "boot") this.#beginGroup(event, event.text);
        if (event.role !== "script") this.#silenceOf(event.id);
        this.#began(event.id, event.step, event.machine, event.text);
        break;
      case "subtestBegan": {
        const text = `subtest: ${event.name}`;
        this.#beginGroup(event, text);
        this.#silenceOf(event.id);
        this.#began(event.id, event.step, event.machine, text);
        break;
      }
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
    this.#area?.clear();
  }

  /** See {@linkcode Listener.close}. */
  close(): void {
    this.#silence.stop();
    this.#batch.flush();
    this.#area?.[Symbol.dispose]();
  }

  /** The lines below the log always show what the run waits for. */
  #silenceOf(step: number): void {
    if (this.#area === undefined) this.#silence.began(step);
  }

  #tellWaits(): void {
    const { now, waits } = this.#activity;
    for (const { machine, text, since, last } of waits.slice(0, mostWaits)) {
      const seconds = (now - since).toFixed(0);
      this.#say(
        undefined,
        0,
        machine,
        `still ${plainLines(text)[0]} (since ${seconds} seconds)` +
          (last === undefined ? "" : `; last line: ${last}`),
        { paint: [dim] },
      );
    }
  }

  #beginGroup(event: { id: number }, title: string): void {
    if (this.#markup === undefined || this.#group !== undefined) return;
    this.#group = event.id;
    this.#batch.add(
      this.#markup.beginGroup(event.id, oneLine(title)),
    );
  }

  #consoleLine(machine: string, text: string): void {
    let prefix = this.#prefixes.get(machine);
    if (prefix === undefined) {
      prefix = `${oneLine(machine)} # `;
      this.#prefixes.set(machine, prefix);
    }
    const line = this.#guarded(prefix + text);
    this.#batch.add(this.#painted(line, dim) + "\n");
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
    this.#say(place, depth, event.machine, event.text, { paint });
  }

  #began(
    id: number,
    parent: number | undefined,
    machine: string | undefined,
    text: string,
  ): void {
    const place = this.#lanes.begin(id, parent);
    // The lines below the log show the step until it is over.
    if (this.#area !== undefined) return;
    this.#say(place, place.depth, machine, text, { paint: [bold, green] });
  }

  #ended(
    event: { id: number; machine?: string; duration: number; error?: unknown },
    text: string,
  ): void {
    this.#silence.ended(event.id);
    if (this.#group === event.id) {
      this.#group = undefined;
      this.#batch.add(this.#markup!.endGroup(event.id));
    }
    const place = this.#lanes.get(event.id);
    const seconds = event.duration.toFixed(2);
    const isFailed = event.error !== undefined;
    const depth = place?.depth ?? 0;
    if (this.#area !== undefined) {
      const [first, ...more] = plainLines(text);
      const what = more.length > 0 ? `${first} …` : first;
      this.#say(place, depth, event.machine, `${what} (${seconds} s)`, {
        mark: isFailed ? this.#painted("✗ ", red) : this.#painted("✓ ", green),
        paint: isFailed ? [red] : [],
      });
    } else {
      const how = isFailed ? "failed" : "finished";
      this.#say(
        place,
        depth,
        event.machine,
        `(${how}: ${text}, in ${seconds} seconds)`,
        { paint: isFailed ? [red] : [] },
      );
    }
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
    for (const line of plainLines(text)) {
      this.#batch.add(`${mark} ${this.#guarded(line)}\n`);
    }
    if (this.#markup === undefined) return;
    const name = oneLine(this.#name);
    for (const { subtest, text, position } of failuresOf(event)) {
      const what = subtest === undefined
        ? event.verdict
        : `subtest ${oneLine(subtest)}`;
      this.#batch.add(this.#markup.annotation({
        title: `${name}: ${what}`,
        message: plainLines(text).join("\n"),
        ...position && { file: pathOf(position.url), line: position.line },
      }));
    }
  }

  #say(
    place: Place | undefined,
    depth: number,
    machine: string | undefined,
    text: string,
    { mark = "", paint = [] }: { mark?: string; paint?: readonly number[] } =
      {},
  ): void {
    // The outermost step is the script itself in most runs: to indent for it
    // would indent everything.
    let before = "  ".repeat(Math.max(0, depth - 1));
    if (place !== undefined && this.#lanes.parallel) {
      before += `[${place.lane}] `;
    }
    before += mark;
    let prefix = machine === undefined ? "" : `${oneLine(machine)}: `;
    let out = "";
    for (const line of plainLines(text)) {
      const whole = this.#guarded(`${before}${prefix}${line}`);
      const head = whole.slice(0, whole.length - line.length);
      out += whole.endsWith(line)
        ? `${head}${this.#painted(line, ...paint)}\n`
        : `${this.#painted(whole, ...paint)}\n`;
      prefix = "";
    }
    this.#batch.add(out);
  }

  /** A line that the CI system does not take for a command. */
  #guarded(line: string): string {
    return guarded(line, this.#markup);
  }

  #painted(text: string, ...codes: number[]): string {
    if (!this.#colour || codes.length === 0 || text === "") return text;
    return `\x1b[${codes.join(";")}m${text}\x1b[0m`;
  }
}
