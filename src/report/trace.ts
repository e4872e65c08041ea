import { harmless } from "../scan/mod.ts";
import { BoundedLines } from "./bounded_lines.ts";
import type { ErrorReport, RunEvent } from "./event.ts";
import { shortened } from "./shortened.ts";

/** Something that was said at a moment of a step. */
export interface Remark {
  readonly time: number;
  readonly kind: "console" | "message" | "warning" | "error" | "file";
  readonly machine: string | undefined;
  readonly text: string;
}

/** An image taken at a moment of a step. */
export interface Picture {
  readonly time: number;
  readonly machine: string;
  readonly path: string;
  /** The image itself in base64, if it was small enough to keep. */
  readonly data: string | undefined;
}

/** A step with all that happened in it. */
export interface TraceStep {
  readonly id: number;
  readonly text: string;
  readonly subtest: boolean;
  readonly machine: string | undefined;
  readonly parent: TraceStep | undefined;
  readonly began: number;
  /** While it runs: undefined. */
  ended: number | undefined;
  error: ErrorReport | undefined;
  readonly steps: TraceStep[];
  /** Steps inside that were let go. */
  omitted: number;
  readonly remarks: BoundedLines<Remark>;
  readonly pictures: Picture[];
}

const limits = {
  /** Characters of one line. */
  line: 2000,
  /** Characters of a step's first lines, and again of its last. */
  step: 16 * 1024,
  /** Characters of an error's message, as they are shown. */
  error: 100_000,
  /** Characters of all steps. */
  run: 8 * 1024 * 1024,
  /** Steps. */
  steps: 5000,
  /** Steps that failed beyond these limits: of them the last stay. */
  lastFailed: 100,
  /** Screenshots. */
  pictures: 500,
  /** Bytes of one screenshot, and of all, to hold inside. */
  picture: 1024 * 1024,
  allPictures: 12 * 1024 * 1024,
  /** Characters of the last lines of each console. */
  console: 8 * 1024,
};

/**
 * What happened in a run, as a tree of steps. Bounded: of steps that went well
 * and said much, lines and at last the steps themselves are let go; of steps
 * that failed the first and the last stay.
 */
export class Trace {
  readonly root: TraceStep = newStep(0, "", undefined, undefined, 0, false);
  /** Every machine that anything was heard of, in order of appearance. */
  readonly machines: Map<string, BoundedLines<Remark>> = new Map();
  /** The files that hold the machines' consoles. */
  readonly consoles: Map<string, string> = new Map();
  date: number = Date.now();
  /** What runs. */
  name: string | undefined;
  /** Of the latest event. */
  time = 0;
  end: RunEvent<"runEnded"> | undefined;
  /** For every error the innermost step that it ended. */
  readonly #failed = new WeakMap<ErrorReport, TraceStep>();
  #lastError: ErrorReport | undefined;
  readonly #open = new Map<number, TraceStep>();
  /** The last steps that failed, those that would be one too many. */
  readonly #lastFailed: TraceStep[] = [];
  #size = 0;
  #steps = 0;
  #pictures = 0;
  #pictureBytes = 0;

  /** What ended the run; while it goes on, the latest error. */
  get error(): ErrorReport | undefined {
    return this.end === undefined ? this.#lastError : this.end.error;
  }

  /** The innermost step that {@linkcode Trace.error} ended. */
  get failed(): TraceStep | undefined {
    return this.error && this.#failed.get(this.error);
  }

  add(event: RunEvent): void {
    this.time = event.time;
    if (event.machine !== undefined) this.#machine(event.machine);
    switch (event.type) {
      case "runBegan":
        this.date = event.date;
        this.name = event.name;
        break;
      case "runEnded":
        this.end = event;
        this.root.ended = event.time;
        break;
      case "message":
        this.#remark(
          this.#step(event.step),
          event.time,
          event.level === "error" || event.level === "warning"
            ? event.level
            : "message",
          event.machine,
          event.text,
        );
        break;
      case "consoleLine":
        this.#remark(
          this.#stepOf(event.machine),
          event.time,
          "console",
          event.machine,
          // Before anything else takes a copy of a line of any length.
          shortened(event.text, limits.line),
        );
        break;
      case "consoleOpened":
        this.consoles.set(event.machine, event.path);
        break;
      case "fileCopied":
        this.#remark(
          this.#step(event.step),
          event.time,
          "file",
          event.machine,
          event.path,
        );
        break;
      case "screenshot":
        this.#picture(this.#step(event.step), event);
        break;
      case "stepBegan":
      case "subtestBegan":
        this.#begin(event);
        break;
      case "stepEnded":
      case "subtestEnded":
        this.#ended(event);
        break;
    }
  }

  #machine(name: string): BoundedLines<Remark> {
    let last = this.machines.get(name);
    if (last === undefined) {
      last = new BoundedLines(limits.console, sizeOf);
      this.machines.set(name, last);
    }
    return last;
  }

  #step(id: number | undefined): TraceStep {
    return (id === undefined ? undefined : this.#open.get(id)) ?? this.root;
  }

  /** The step that a machine's console speaks to: the latest about it, else the latest. */
  #stepOf(machine: string): TraceStep {
    let latest = this.root;
    for (const step of this.#open.values()) {
      if (step.machine === machine || latest.machine !== machine) latest = step;
    }
    return latest;
  }

  #begin(
    event: Extract<RunEvent, { type: "stepBegan" | "subtestBegan" }>,
  ): void {
    const parent = this.#step(event.step);
    const subtest = event.type === "subtestBegan";
    const step = newStep(
      event.id,
      shortened(harmless(subtest ? event.name : event.text), 20 * limits.line),
      parent,
      event.machine,
      event.time,
      subtest,
    );
    this.#open.set(event.id, step);
    parent.steps.push(step);
    this.#steps++;
    this.#size += step.text.length;
  }

  #ended(
    event: Extract<RunEvent, { type: "stepEnded" | "subtestEnded" }>,
  ): void {
    const step = this.#open.get(event.id);
    if (step === undefined) return;
    this.#open.delete(event.id);
    step.ended = event.time;
    step.error = event.error;
    if (event.error !== undefined) {
      if (!this.#failed.has(event.error)) this.#failed.set(event.error, step);
      this.#lastError = event.error;
      this.#size += this.#errorSize(step);
      if (!this.#full || !isBare(step)) return;
      this.#lastFailed.push(step);
      if (this.#lastFailed.length <= limits.lastFailed) return;
      this.#drop(this.#lastFailed.shift()!);
      return;
    }
    if (this.#size > limits.run) {
      this.#size -= step.remarks.size;
      step.remarks.clear();
    }
    if (this.#full && isBare(step)) this.#drop(step);
  }

  get #full(): boolean {
    return this.#steps > limits.steps || this.#size > limits.run;
  }

  /** An error that ended several steps is shown once. */
  #errorSize(step: TraceStep): number {
    const { error } = step;
    if (error === undefined || this.#failed.get(error) !== step) return 0;
    return Math.min(error.message.length, limits.error);
  }

  /** Lets go of a step, and of those around it that had nothing else to show. */
  #drop(step: TraceStep): void {
    const parent = step.parent!;
    parent.steps.splice(parent.steps.lastIndexOf(step), 1);
    parent.omitted += 1 + step.omitted;
    this.#steps--;
    this.#size -= step.text.length + step.remarks.size +
      this.#errorSize(step);
    const isOver = parent.ended !== undefined && parent !== this.root;
    if (isOver && isBare(parent)) this.#drop(parent);
  }

  #remark(
    step: TraceStep,
    time: number,
    kind: Remark["kind"],
    machine: string | undefined,
    text: string,
  ): void {
    const before = step.remarks.size;
    // A console's line is harmless already, and one.
    const lines = kind === "console" ? [text] : harmless(text).split("\n");
    for (const line of lines) {
      const remark = {
        time,
        kind,
        machine,
        text: shortened(line, limits.line),
      };
      step.remarks.add(remark);
      if (kind === "console") this.#machine(machine!).add(remark);
    }
    this.#size += step.remarks.size - before;
  }

  #picture(
    step: TraceStep,
    event: Extract<RunEvent, { type: "screenshot" }>,
  ): void {
    if (++this.#pictures > limits.pictures) return;
    const { time, machine, path } = event;
    let data: string | undefined;
    try {
      const { size, isFile } = Deno.statSync(path);
      if (
        isFile && size <= limits.picture &&
        this.#pictureBytes + size <= limits.allPictures
      ) {
        const bytes = Deno.readFileSync(path);
        if (bytes[0] === 0x89 && bytes[1] === 0x50) {
          data = (bytes as Uint8Array & { toBase64(): string }).toBase64();
          this.#pictureBytes += size;
        }
      }
    } catch {
      // The report then only names the file.
    }
    step.pictures.push({ time, machine, path, data });
  }
}

function newStep(
  id: number,
  text: string,
  parent: TraceStep | undefined,
  machine: string | undefined,
  began: number,
  subtest: boolean,
): TraceStep {
  return {
    id,
    text,
    subtest,
    machine,
    parent,
    began,
    ended: undefined,
    error: undefined,
    steps: [],
    omitted: 0,
    remarks: new BoundedLines(limits.step, sizeOf),
    pictures: [],
  };
}

/** Whether nothing is in a step that has a place of its own in the trace. */
function isBare(step: TraceStep): boolean {
  return step.steps.length === 0 && step.pictures.length === 0;
}

function sizeOf(remark: Remark): number {
  return remark.text.length + 40;
}
