import { harmless } from "../scan/mod.ts";
import type { Attributes, LogLevel, RunEvent, RunEvents } from "./event.ts";
import type { WrittenPicture } from "./event_file.ts";
import { fitting } from "./fitting.ts";
import { type Keep, LineStream, shownLine } from "./line_stream.ts";
import {
  type ChunkId,
  levels,
  type LineChunk,
  type LogColumns,
  type PageFile,
  type PageMachine,
  type PageMark,
  type PageRun,
  type PageShot,
  type PageSource,
  type RecordPlace,
  type RunSummary,
  type StepKind,
  type SubtestSummary,
  TICKS,
} from "./page_format.ts";
import { PageErrors } from "./page_errors.ts";
import { Pictures } from "./pictures.ts";
import { RecordChunks } from "./record_chunks.ts";
import { shortened } from "./shortened.ts";
import { element, type Spool } from "./spool.ts";
import { StepIndex } from "./step_index.ts";
import { Timeline } from "./timeline.ts";

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

/** Limits other than the default ones. */
export type PageLimits = Partial<typeof defaults>;

/** A line for a page without scripts. */
export interface LastLine {
  readonly machine: string;
  readonly lines: readonly string[];
}

/** A run as one version of a page holds it. */
export interface RunVersion {
  readonly run: PageRun;
  /** Chunks that belong to this version alone, as elements. */
  readonly elements: readonly Uint8Array<ArrayBuffer>[];
  /** Whether the page holds a chunk of the spool. */
  readonly isWanted: (chunk: ChunkId) => boolean;
}

/**
 * Turns a run's events into the data of a page: an index of steps in memory,
 * and everything else in chunks on disk as it comes.
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
  readonly #steps: StepIndex;
  readonly #errors: PageErrors;
  readonly #facts: { machine: number; name: string; value: string }[] = [];
  readonly #sources: PageSource[] = [];
  readonly #sourceNumbers = new Map<string, number>();
  readonly #pictures: Pictures;
  readonly #shots: PageShot[] = [];
  readonly #timeline = new Timeline();
  readonly #snapshots = new Map<number, string>();
  readonly #files: PageFile[] = [];
  readonly #records: RecordChunks;

  /**
   * @param spool Where chunks are kept.
   * @param folder The folder of the page, for links; with a `/` at its end.
   * @param limits Limits other than the default ones.
   */
  constructor(spool: Spool, folder: string, limits: PageLimits = {}) {
    this.#spool = spool;
    this.#folder = folder;
    this.#limits = { ...defaults, ...limits };
    this.#records = new RecordChunks(
      (parts) => spool.add(parts),
      this.#limits.records,
    );
    this.#steps = new StepIndex(this.#records, this.#limits);
    this.#errors = new PageErrors(this.#records, this.#limits);
    this.#pictures = new Pictures(spool, this.#limits.pictures);
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
   * @param picture The image of a screenshot, or nothing in it if that is not
   * known. Default: the contents of its file.
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
          : this.#errors.add(event.error, -1);
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
        const place = text === undefined ? undefined : this.#records.add(
          harmless(shortened(text, 10 * this.#limits.text)),
        );
        const name = shownLine(event.name);
        this.#files.push({ time, step, machine, name, link, place });
        break;
      }
      case "screenshot":
        this.#shots.push({
          time,
          step,
          machine,
          image: this.#pictures.add(event.path, picture),
          link: this.#link(event.path),
        });
        break;
      case "stepBegan":
        this.#steps.begin(event, time, machine, event.text, kindOf(event));
        break;
      case "subtestBegan":
        this.#steps.begin(event, time, machine, event.name, "subtest");
        if (event.position !== undefined) this.#place(event.id, event.position);
        break;
      case "stepPlaced":
        this.#place(event.id, event.position);
        break;
      case "stepEnded":
      case "subtestEnded":
        this.#steps.end(
          event.id,
          time,
          event.error === undefined
            ? -1
            : this.#errors.add(event.error, event.id),
        );
        break;
      case "sourceFile": {
        const number = this.#source(event.url);
        this.#sources[number] = {
          url: event.url,
          name: shownLine(event.name),
          place: this.#records.add(harmless(event.text)),
        };
        break;
      }
      case "commandEnded":
        this.#steps.command(event, time, machine, ticks(event.duration));
        break;
      case "machineStarted": {
        const lane = this.#machines[machine];
        // A fork begins with a mark of its own.
        const goesOn = lane.parent !== undefined &&
          lane.hypervisor === undefined;
        lane.hypervisor = event.hypervisor;
        lane.command = harmless(event.command);
        if (!goesOn) this.#timeline.mark(time, "boot", machine);
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
        this.#timeline.mark(time, event.kind, machine, event.text);
        break;
      case "intervalBegan":
        this.#timeline.begin({
          id: event.id,
          time,
          kind: event.kind,
          machine,
          text: event.text,
        });
        break;
      case "intervalEnded":
      case "forkEnded":
        this.#timeline.end(event.id, time);
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
          const text = `from ${
            this.#snapshots.get(event.snapshot) ?? "a snapshot"
          }`;
          this.#timeline.mark(time, "fork", lane, text);
          this.#timeline.begin({
            id: event.id,
            time,
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

  /** The last lines of each console that has printed anything. */
  get lastLines(): LastLine[] {
    return this.#machines.flatMap(({ name }, i) => {
      const lines = this.#last[i];
      return lines.length === 0 ? [] : [{ machine: name, lines }];
    });
  }

  /** The run as it is now, for a page. */
  version(firstId: ChunkId): RunVersion {
    const elements: Uint8Array<ArrayBuffer>[] = [];
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
    // The open one's number was given out when its first record came.
    const records = this.#records.withOpen(keep);
    const placed = (place: RecordPlace): RecordPlace => [
      records[place[0]],
      place[1],
    ];
    const run: PageRun = {
      name: harmless(this.#name),
      date: this.#date,
      verdict: this.#end?.verdict ?? "unfinished",
      time: this.#time,
      error: this.#end === undefined ? this.#errors.latest : this.#endError,
      detail: this.#end?.detail === undefined
        ? undefined
        : shortened(harmless(this.#end.detail), this.#limits.text),
      about: this.#about,
      facts: this.#facts,
      machines,
      log,
      steps: this.#steps.columns(records),
      omittedSteps: this.#steps.omitted,
      errors: this.#errors.all.map((error) => ({
        ...error,
        place: placed(error.place),
      })),
      sources: this.#sources.map((source) => ({
        ...source,
        place: source.place && placed(source.place),
      })),
      images: this.#pictures.chunks,
      shots: this.#shots,
      marks: this.#timeline.marks,
      intervals: this.#timeline.intervals,
      files: this.#files.map((file) => ({
        ...file,
        place: file.place && placed(file.place),
      })),
    };
    return { run, elements, isWanted: (chunk) => !unwanted.has(chunk) };
  }

  /** The run in short. */
  summary(index: ChunkId, label: string): RunSummary {
    const paths: string[] = [];
    const subtests: SubtestSummary[] = [];
    for (const step of this.#steps.all()) {
      const above = step.parent < 0 ? "" : paths[step.parent];
      if (step.kind !== "subtest") {
        paths.push(above);
        continue;
      }
      const path = above === "" ? step.text : `${above} › ${step.text}`;
      paths.push(path);
      subtests.push({
        path,
        id: step.id,
        state: step.state,
        time: step.took < 0 ? this.#time - step.began : step.took,
        error: this.#errors.all[step.error]?.title,
      });
    }
    const ended = this.#end === undefined
      ? this.#errors.latest
      : this.#endError;
    return {
      index,
      name: harmless(this.#name),
      label,
      date: this.#date,
      verdict: this.#end?.verdict ?? "unfinished",
      time: this.#time,
      error: this.#errors.all[ended]?.title,
      subtests,
    };
  }

  /** The texts of the steps around an error, innermost last, with their ids. */
  stepsOf(error: number): { id: number; text: string; subtest: boolean }[] {
    const { step = -1 } = this.#errors.all[error] ?? {};
    return this.#steps.pathTo(step).map(({ id, text, kind }) => ({
      id,
      text,
      subtest: kind === "subtest",
    }));
  }

  /**
   * The chunks that fit, the first and the last, and the number of the others.
   */
  #kept(
    chunks: LineChunk[],
    firstId: ChunkId,
    budget: number,
    unwanted: Set<ChunkId>,
  ): { chunks: LineChunk[]; omitted?: number } {
    const { left, ...kept } = fitting(
      chunks,
      (chunk) => chunk < firstId ? this.#spool.sizeOf(chunk) : 0,
      budget,
    );
    for (const chunk of left) unwanted.add(chunk);
    return kept;
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
    if (!this.#steps.has(id)) return;
    this.#steps.place(id, this.#source(url), line);
  }

  #markAll(
    time: number,
    kind: PageMark["kind"],
    machines: readonly string[],
    text?: string,
  ): void {
    for (const name of machines) {
      this.#timeline.mark(time, kind, this.#machine(name), text);
    }
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
