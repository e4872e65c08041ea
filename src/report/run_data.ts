import { harmless } from "../scan/mod.ts";
import type {
  Attributes,
  ErrorReport,
  LogLevel,
  RunEvent,
  RunEvents,
} from "./event.ts";
import type { WrittenPicture } from "./event_file.ts";
import { pictureHash, readPicture } from "./picture.ts";
import { type Keep, LineStream, shownLine } from "./line_stream.ts";
import {
  type ChunkId,
  levels,
  type LineChunk,
  type LogColumns,
  type PageCommand,
  type PageError,
  type PageFile,
  type PageInterval,
  type PageMachine,
  type PageMark,
  type PageRun,
  type PageShot,
  type PageSource,
  type PageSteps,
  type RecordPlace,
  type RunSummary,
  type StepKind,
  stepKinds,
  type StepRecord,
  type StepState,
  type SubtestSummary,
  TICKS,
} from "./page_format.ts";
import { shortened } from "./shortened.ts";
import { element, type Spool } from "./spool.ts";

/** How much of a run a page holds. */
const defaults = {
  /** Characters of a step's text in the index. */
  title: 200,
  /** Characters of a step's text, and of an error's message. */
  text: 100_000,
  /** Characters of records that are read together. */
  records: 1 << 18,
  /** Steps. */
  steps: 200_000,
  /** Bytes of all pictures, as they stand on the page. */
  pictures: 64 * 1024 * 1024,
  /** Bytes of all lines, as they stand on the page. */
  lines: 128 * 1024 * 1024,
  /** Last lines of each machine. */
  last: 20,
};

/** Limits other than usual. */
export type PageLimits = Partial<typeof defaults>;

/** What a step has to tell when it ends. */
interface OpenStep {
  readonly at: number;
  readonly text?: string;
  readonly commands: PageCommand[];
}

/** A line as a reader without a script sees it. */
export interface LastLine {
  readonly machine: string;
  readonly lines: readonly string[];
}

/** A run as one version of a page holds it. */
export interface RunVersion {
  readonly run: PageRun;
  /** Chunks that belong to this version alone, as elements. */
  readonly elements: readonly string[];
  /** Whether the page holds a chunk of the spool. */
  readonly isWanted: (chunk: ChunkId) => boolean;
}

/**
 * Makes of a run's events what a page holds of it: an index of steps in memory,
 * and all else in chunks on disk as it comes.
 */
export class RunData {
  readonly #spool: Spool;
  /** The folder that links are relative to. */
  readonly #folder: string;
  readonly #limits: typeof defaults;
  #name = "VM test";
  #date = Date.now();
  #about: RunEvents["runBegan"]["about"];
  #time = 0;
  #end: RunEvents["runEnded"] | undefined;
  #endError = -1;
  readonly #machines: PageMachine[] = [];
  readonly #machineNumbers = new Map<string, number>();
  readonly #consoles: LineStream[] = [];
  readonly #last: string[][] = [];
  readonly #log: LineStream;
  #logColumns: LogColumns = newColumns();
  readonly #steps: PageSteps = {
    id: [],
    parent: [],
    machine: [],
    began: [],
    took: [],
    kind: [],
    error: [],
    text: [],
    source: [],
    line: [],
    chunk: [],
    record: [],
  };
  /** Numbers of steps by their ids. */
  readonly #numbers = new Map<number, number>();
  readonly #open = new Map<number, OpenStep>();
  #omittedSteps = 0;
  #executed = 0;
  readonly #errors: PageError[] = [];
  /** The latest errors: what ends one step may end others after it. */
  readonly #recent: { error: ErrorReport; number: number }[] = [];
  readonly #facts: { machine: number; name: string; value: string }[] = [];
  readonly #sources: PageSource[] = [];
  readonly #sourceNumbers = new Map<string, number>();
  readonly #images: ChunkId[] = [];
  readonly #imageNumbers = new Map<string, number>();
  #pictureBytes = 0;
  readonly #shots: PageShot[] = [];
  readonly #marks: PageMark[] = [];
  readonly #intervals: PageInterval[] = [];
  readonly #openIntervals = new Map<number, PageInterval[]>();
  readonly #snapshots = new Map<number, string>();
  readonly #files: PageFile[] = [];
  #records: string[] = [];
  #recordSize = 0;
  /** Chunks of records, by the order in which they were begun. */
  readonly #recordChunks: ChunkId[] = [];

  /**
   * @param spool Where chunks are kept.
   * @param folder The folder of the page, for links; with a `/` at its end.
   * @param limits Limits other than usual.
   */
  constructor(spool: Spool, folder: string, limits: PageLimits = {}) {
    this.#spool = spool;
    this.#folder = folder;
    this.#limits = { ...defaults, ...limits };
    this.#log = this.#stream();
  }

  /** Whether the run has ended. */
  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Takes an event.
   *
   * @param event The event.
   * @param picture What a screenshot shows, or nothing in it where that is not
   * known. Default: what is in its file.
   */
  add(event: RunEvent, picture?: Partial<WrittenPicture>): void {
    const time = ticks(event.time);
    this.#time = Math.max(this.#time, time);
    const machine = this.#machine(event.machine);
    const { step } = event;
    switch (event.type) {
      case "runBegan":
        this.#date = event.date;
        this.#name = event.name ?? this.#name;
        this.#about = event.about;
        break;
      case "runEnded":
        this.#end = event;
        this.#endError = event.error === undefined
          ? -1
          : this.#error(event.error, -1);
        break;
      case "message":
        this.#message(time, step, machine, event.level, event.text);
        break;
      case "consoleLine":
        this.#consoleLine(time, machine, event.text);
        break;
      case "consoleOpened":
        this.#machines[machine].link = this.#link(event.path);
        break;
      case "fileCopied": {
        const link = this.#link(event.path);
        const name = harmless(event.path);
        this.#files.push({ time, step, machine, name, link });
        break;
      }
      case "attachment": {
        const { path, text } = event;
        const link = path === undefined ? undefined : this.#link(path);
        const place = text === undefined
          ? undefined
          : this.#record(harmless(shortened(text, 10 * this.#limits.text)));
        const name = shownLine(event.name);
        this.#files.push({ time, step, machine, name, link, place });
        break;
      }
      case "screenshot":
        this.#screenshot(event, time, machine, picture);
        break;
      case "stepBegan":
        this.#begin(event, time, machine, event.text, kindOf(event));
        break;
      case "subtestBegan":
        this.#begin(event, time, machine, event.name, "subtest");
        if (event.position !== undefined) this.#place(event.id, event.position);
        break;
      case "stepPlaced":
        this.#place(event.id, event.position);
        break;
      case "stepEnded":
      case "subtestEnded":
        this.#stepEnded(event, time);
        break;
      case "sourceFile": {
        const number = this.#source(event.url);
        this.#sources[number] = {
          url: event.url,
          name: shownLine(event.name),
          place: this.#record(harmless(event.text)),
        };
        break;
      }
      case "commandEnded":
        this.#command(event, time, machine);
        break;
      case "machineStarted": {
        const lane = this.#machines[machine];
        lane.hypervisor = event.hypervisor;
        lane.command = harmless(event.command);
        this.#mark(time, "boot", machine);
        break;
      }
      case "fact": {
        const name = shownLine(event.name);
        const value = harmless(shortened(event.value, this.#limits.text));
        const before = this.#facts.findIndex((fact) =>
          fact.machine === machine && fact.name === name
        );
        const fact = { machine, name, value };
        if (before < 0) this.#facts.push(fact);
        else this.#facts[before] = fact;
        break;
      }
      case "mark":
        this.#mark(time, event.kind, machine, event.text);
        break;
      case "intervalBegan":
        this.#interval(event.id, {
          id: event.id,
          time,
          end: -1,
          kind: event.kind,
          machine,
          text: shownLine(event.text),
        });
        break;
      case "intervalEnded":
      case "forkEnded":
        for (const interval of this.#openIntervals.get(event.id) ?? []) {
          interval.end = time;
        }
        this.#openIntervals.delete(event.id);
        break;
      case "snapshotTaken":
        this.#snapshots.set(event.id, event.name ?? `snapshot ${event.id}`);
        this.#markAll(time, "snapshot", event.machines, event.name);
        break;
      case "snapshotRestored":
        this.#markAll(
          time,
          "restore",
          event.machines,
          this.#snapshots.get(event.snapshot),
        );
        break;
      case "forkBegan":
        for (const { name, parent } of event.machines) {
          const lane = this.#machine(name);
          this.#machines[lane].parent = harmless(parent);
          const text = shownLine(
            `from ${this.#snapshots.get(event.snapshot) ?? "a snapshot"}`,
          );
          this.#mark(time, "fork", lane, text);
          this.#interval(event.id, {
            id: event.id,
            time,
            end: -1,
            kind: "fork",
            machine: lane,
            text,
          });
        }
        break;
      case "serialStdout":
      case "logLevelSet":
        break;
    }
  }

  /** The last lines of each console that said anything. */
  get lastLines(): LastLine[] {
    return this.#machines.flatMap(({ name }, i) => {
      const lines = this.#last[i];
      return lines.length === 0 ? [] : [{ machine: name, lines }];
    });
  }

  /** The run as it is now, for a page. */
  version(firstId: ChunkId): RunVersion {
    const elements: string[] = [];
    const keep: Keep = (parts) => {
      const id = firstId + elements.length;
      elements.push(element(id, parts));
      return id;
    };
    const unwanted = new Set<ChunkId>();
    const budget = this.#limits.lines / Math.max(1, this.#machines.length);
    const machines = this.#machines.map((machine, i) => {
      const chunks = this.#consoles[i].withOpen(keep);
      return { ...machine, ...this.#kept(chunks, firstId, budget, unwanted) };
    });
    const log = this.#kept(
      this.#log.withOpen(keep, this.#logColumns),
      firstId,
      this.#limits.lines,
      unwanted,
    ).chunks;
    // Its number was given out when its first record came.
    const records = this.#records.length === 0
      ? this.#recordChunks
      : [...this.#recordChunks, keep([recordText(this.#records)])];
    const placed = (place: RecordPlace): RecordPlace => [
      records[place[0]],
      place[1],
    ];
    const run: PageRun = {
      name: harmless(this.#name),
      date: this.#date,
      verdict: this.#end?.verdict ?? "unfinished",
      time: this.#time,
      error: this.#end === undefined
        ? this.#recent[0]?.number ?? -1
        : this.#endError,
      detail: this.#end?.detail === undefined
        ? undefined
        : shortened(harmless(this.#end.detail), this.#limits.text),
      about: this.#about,
      facts: this.#facts,
      machines,
      log,
      steps: {
        ...this.#steps,
        chunk: this.#steps.chunk.map((at) => at < 0 ? at : records[at]),
      },
      omittedSteps: this.#omittedSteps,
      errors: this.#errors.map((error) => ({
        ...error,
        place: placed(error.place),
      })),
      sources: this.#sources.map((source) => ({
        ...source,
        place: source.place && placed(source.place),
      })),
      images: this.#images,
      shots: this.#shots,
      marks: this.#marks,
      intervals: this.#intervals,
      files: this.#files.map((file) => ({
        ...file,
        place: file.place && placed(file.place),
      })),
    };
    return { run, elements, isWanted: (chunk) => !unwanted.has(chunk) };
  }

  /** The run in short. */
  summary(index: ChunkId, label: string): RunSummary {
    const { id, text, kind, parent, took, began, error } = this.#steps;
    const subtest = stepKinds.indexOf("subtest");
    const paths: string[] = [];
    const subtests: SubtestSummary[] = [];
    for (let i = 0; i < id.length; i++) {
      const above = parent[i] < 0 ? "" : paths[parent[i]];
      if (kind[i] !== subtest) {
        paths.push(above);
        continue;
      }
      const path = above === "" ? text[i] : `${above} › ${text[i]}`;
      paths.push(path);
      subtests.push({
        path,
        id: id[i],
        state: this.#state(i),
        time: took[i] < 0 ? this.#time - began[i] : took[i],
        error: this.#errors[error[i]]?.title,
      });
    }
    const ended = this.#end === undefined
      ? this.#recent[0]?.number
      : this.#endError;
    return {
      index,
      name: harmless(this.#name),
      label,
      date: this.#date,
      verdict: this.#end?.verdict ?? "unfinished",
      time: this.#time,
      error: this.#errors[ended ?? -1]?.title,
      subtests,
    };
  }

  /** The texts of the steps around an error, innermost last, with their ids. */
  stepsOf(error: number): { id: number; text: string; subtest: boolean }[] {
    const steps = [];
    const { id, text, kind, parent } = this.#steps;
    let at = this.#numbers.get(this.#errors[error]?.step) ?? -1;
    for (; at >= 0; at = parent[at]) {
      const subtest = stepKinds[kind[at]] === "subtest";
      steps.unshift({ id: id[at], text: text[at], subtest });
    }
    return steps;
  }

  #state(at: number): StepState {
    if (this.#steps.error[at] >= 0) return "failed";
    return this.#steps.took[at] < 0 ? "unfinished" : "passed";
  }

  /** The chunks that fit, the first and the last; of others only their number. */
  #kept(
    chunks: LineChunk[],
    firstId: ChunkId,
    budget: number,
    unwanted: Set<ChunkId>,
  ): { chunks: LineChunk[]; omitted?: number } {
    const size = ({ chunk }: LineChunk) =>
      chunk < firstId ? this.#spool.sizeOf(chunk) : 0;
    let total = 0;
    for (const chunk of chunks) total += size(chunk);
    if (total <= budget) return { chunks };
    let head = 0;
    for (let used = 0; used < budget / 2; head++) used += size(chunks[head]);
    let tail = chunks.length;
    for (let used = 0; used < budget / 2;) used += size(chunks[--tail]);
    let omitted = 0;
    for (const { chunk, count } of chunks.slice(head, tail)) {
      unwanted.add(chunk);
      omitted += count;
    }
    return {
      chunks: [...chunks.slice(0, head), ...chunks.slice(tail)],
      omitted,
    };
  }

  #stream(): LineStream {
    return new LineStream((parts) => this.#spool.add(parts));
  }

  #machine(name: string | undefined): number {
    if (name === undefined) return -1;
    let number = this.#machineNumbers.get(name);
    if (number === undefined) {
      number = this.#machines.length;
      this.#machineNumbers.set(name, number);
      this.#machines.push({ name: shownLine(name), chunks: [] });
      this.#consoles.push(this.#stream());
      this.#last.push([]);
    }
    return number;
  }

  #consoleLine(time: number, machine: number, text: string): void {
    const line = shownLine(text);
    const console = this.#consoles[machine];
    if (console.add(time, line)) console.seal();
    const last = this.#last[machine];
    last.push(line);
    if (last.length > this.#limits.last) last.shift();
  }

  #message(
    time: number,
    step: number | undefined,
    machine: number,
    level: LogLevel | undefined,
    text: string,
  ): void {
    for (
      const line of harmless(shortened(text, this.#limits.text)).split("\n")
    ) {
      this.#logColumns.steps.push(step ?? -1);
      this.#logColumns.machines.push(machine);
      this.#logColumns.levels.push(levels.indexOf(level ?? "log"));
      if (!this.#log.add(time, shortened(line, 2000))) continue;
      this.#log.seal(this.#logColumns);
      this.#logColumns = newColumns();
    }
  }

  #begin(
    { id, step }: { id: number; step?: number },
    time: number,
    machine: number,
    text: string,
    kind: StepKind,
  ): void {
    const { length } = this.#steps.id;
    if (length >= this.#limits.steps) {
      this.#omittedSteps++;
      return;
    }
    const shown = harmless(shortened(text, this.#limits.text));
    const title = shortened(shown.split("\n", 1)[0], this.#limits.title);
    this.#numbers.set(id, length);
    this.#open.set(id, {
      at: length,
      text: title === shown ? undefined : shown,
      commands: [],
    });
    const steps = this.#steps;
    steps.id.push(id);
    steps.parent.push(this.#numbers.get(step ?? -1) ?? -1);
    steps.machine.push(machine);
    steps.began.push(time);
    steps.took.push(-1);
    steps.kind.push(stepKinds.indexOf(kind));
    steps.error.push(-1);
    steps.text.push(title);
    steps.source.push(-1);
    steps.line.push(0);
    steps.chunk.push(-1);
    steps.record.push(-1);
  }

  #stepEnded(
    { id, error }: { id: number; error?: ErrorReport },
    time: number,
  ): void {
    const failed = error === undefined ? -1 : this.#error(error, id);
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#open.delete(id);
    const { at, text, commands } = open;
    this.#steps.took[at] = time - this.#steps.began[at];
    this.#steps.error[at] = failed;
    if (text === undefined && commands.length === 0) return;
    this.#tell(at, { text, commands });
  }

  #tell(at: number, more: StepRecord): void {
    const [chunk, record] = this.#record(more);
    this.#steps.chunk[at] = chunk;
    this.#steps.record[at] = record;
  }

  #command(
    event: RunEvent<"commandEnded">,
    time: number,
    machine: number,
  ): void {
    const { kind, command, status, output, omitted, stderr, duration } = event;
    const told: PageCommand = {
      kind,
      command: harmless(shortened(command, this.#limits.text)),
      status,
      output: harmless(output),
      omitted,
      stderr: stderr === undefined ? undefined : harmless(stderr),
      duration,
    };
    if (kind !== "execute") {
      const open = this.#open.get(event.step ?? -1);
      if (open === undefined) return;
      open.commands.push(told);
      const number = stepKinds.indexOf(kind);
      this.#steps.kind[open.at] = number;
      return;
    }
    // It has no step of its own in the log.
    const id = -1 - ++this.#executed;
    const began = Math.max(0, time - ticks(duration));
    this.#begin(
      { id, step: event.step },
      began,
      machine,
      `execute: ${command}`,
      "execute",
    );
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#open.delete(id);
    this.#steps.took[open.at] = time - began;
    this.#tell(open.at, { text: open.text, commands: [told] });
  }

  /** The number of an error: steps that one error ended share it. */
  #error(error: ErrorReport, step: number): number {
    const known = this.#recent.find((one) => isSame(one.error, error));
    if (known !== undefined) return known.number;
    const message = shortened(harmless(error.message), this.#limits.text);
    const number = this.#errors.length;
    this.#errors.push({
      name: shownLine(error.name),
      title: shortened(message.split("\n", 1)[0], this.#limits.title),
      step,
      place: this.#record(message),
    });
    this.#recent.unshift({ error, number });
    this.#recent.length = Math.min(this.#recent.length, 8);
    return number;
  }

  #source(url: string): number {
    let number = this.#sourceNumbers.get(url);
    if (number === undefined) {
      number = this.#sources.length;
      this.#sourceNumbers.set(url, number);
      this.#sources.push({ url, name: shownLine(url) });
    }
    return number;
  }

  #place(id: number, { url, line }: { url: string; line: number }): void {
    const at = this.#numbers.get(id);
    if (at === undefined) return;
    this.#steps.source[at] = this.#source(url);
    this.#steps.line[at] = line;
  }

  #screenshot(
    { path, step }: RunEvent<"screenshot">,
    time: number,
    machine: number,
    picture?: Partial<WrittenPicture>,
  ): void {
    const image = this.#image(path, picture);
    const link = this.#link(path);
    this.#shots.push({ time, step, machine, image, link });
  }

  #image(path: string, picture?: Partial<WrittenPicture>): number {
    const read = picture === undefined ? readPicture(path) : undefined;
    const hash = picture?.hash ?? (read && pictureHash(read));
    if (hash === undefined) return -1;
    const known = this.#imageNumbers.get(hash);
    if (known !== undefined) return known;
    const bytes = read ??
      (picture?.png === undefined ? undefined : decoded(picture.png));
    if (
      bytes === undefined ||
      this.#pictureBytes + bytes.length > this.#limits.pictures
    ) {
      return -1;
    }
    this.#pictureBytes += bytes.length;
    const number = this.#images.length;
    this.#images.push(this.#spool.add([bytes], { compress: false }));
    this.#imageNumbers.set(hash, number);
    return number;
  }

  #mark(
    time: number,
    kind: PageMark["kind"],
    machine: number,
    text?: string,
  ): void {
    this.#marks.push({
      time,
      kind,
      machine,
      text: text === undefined ? undefined : shownLine(text),
    });
  }

  #markAll(
    time: number,
    kind: PageMark["kind"],
    machines: readonly string[],
    text?: string,
  ): void {
    for (const name of machines) {
      this.#mark(time, kind, this.#machine(name), text);
    }
  }

  #interval(id: number, interval: PageInterval): void {
    this.#intervals.push(interval);
    const open = this.#openIntervals.get(id);
    if (open === undefined) this.#openIntervals.set(id, [interval]);
    else open.push(interval);
  }

  /** Keeps a record. The number of its chunk counts those of records alone. */
  #record(record: unknown): RecordPlace {
    const text = JSON.stringify(record);
    const place: RecordPlace = [
      this.#recordChunks.length,
      this.#records.length,
    ];
    this.#records.push(text);
    this.#recordSize += text.length;
    if (this.#recordSize >= this.#limits.records) {
      this.#recordChunks.push(this.#spool.add([recordText(this.#records)]));
      this.#records = [];
      this.#recordSize = 0;
    }
    return place;
  }

  /** A file as seen from the page. */
  #link(path: string): string {
    const near = this.#folder !== "" && path.startsWith(this.#folder);
    const relative = near ? path.slice(this.#folder.length) : path;
    const url = relative.toWellFormed().split("/").map(encodeURIComponent)
      .join("/");
    return url.startsWith("/") ? `file://${url}` : `./${url}`;
  }
}

/** Records as a chunk: a line of JSON each. */
function recordText(records: readonly string[]): string {
  return records.join("\n");
}

function newColumns(): LogColumns {
  return { steps: [], machines: [], levels: [] };
}

function ticks(time: number): number {
  return Math.round(time * TICKS);
}

function kindOf(
  { role, attributes }: { role?: string; attributes: Attributes },
): StepKind {
  if (role === "script" || role === "boot" || role === "wait") {
    return role;
  }
  return attributes.image === undefined ? "step" : "screenshot";
}

/** Read from a file, equal errors are one no more. */
function isSame(one: ErrorReport, other: ErrorReport): boolean {
  return one === other ||
    one.name === other.name && one.message === other.message &&
      one.stack === other.stack;
}

function decoded(base64: string): Uint8Array | undefined {
  try {
    const bytes = Uint8Array.fromBase64(base64);
    return bytes[0] === 0x89 && bytes[1] === 0x50 ? bytes : undefined;
  } catch {
    return undefined;
  }
}
