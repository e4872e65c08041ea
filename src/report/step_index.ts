import { harmless } from "../scan/mod.ts";
import type { RunEvent } from "./event.ts";
import {
  type ChunkId,
  type PageCommand,
  type PageSteps,
  type StepKind,
  stepKinds,
  type StepRecord,
  type StepState,
} from "./page_format.ts";
import type { RecordChunks } from "./record_chunks.ts";
import { shortened } from "./shortened.ts";

/** The limits of a page's steps. */
export interface StepLimits {
  /** Characters of a step's text in the index. */
  readonly title: number;
  /** Characters of a step's text. */
  readonly text: number;
  /** How many steps. */
  readonly steps: number;
}

/** The facts about a step that its end needs. */
interface OpenStep {
  readonly at: number;
  readonly text?: string;
  readonly commands: PageCommand[];
}

/** A step, as an index has it. */
export interface IndexedStep {
  readonly id: number;
  /** Its first line, or a part of that. */
  readonly text: string;
  readonly kind: StepKind;
  /** The place of the step around it in the index; -1 for none. */
  readonly parent: number;
  readonly state: StepState;
  readonly began: number;
  /** How long it took; -1 if it has not ended. */
  readonly took: number;
  /** The number of the error that ended it; -1 for none. */
  readonly error: number;
}

/** The steps of a page: short facts in memory, all else in records. */
export class StepIndex {
  readonly #records: RecordChunks;
  readonly #limits: StepLimits;
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
  /** Places in the index, by ids. */
  readonly #places = new Map<number, number>();
  readonly #open = new Map<number, OpenStep>();
  #omitted = 0;
  #executed = 0;

  /** Takes what keeps records. */
  constructor(records: RecordChunks, limits: StepLimits) {
    this.#records = records;
    this.#limits = limits;
  }

  /** How many steps are not in the index, which was full. */
  get omitted(): number {
    return this.#omitted;
  }

  /**
   * The index as a page has it.
   *
   * @param chunks The chunks of records, by their numbers.
   */
  columns(chunks: readonly ChunkId[]): PageSteps {
    return {
      ...this.#steps,
      chunk: this.#steps.chunk.map((at) => at < 0 ? at : chunks[at]),
    };
  }

  /** All steps, as they began. */
  *all(): Generator<IndexedStep> {
    for (let at = 0; at < this.#steps.id.length; at++) yield this.#at(at);
  }

  /** The steps from the outermost to one, by its id. */
  pathTo(id: number): IndexedStep[] {
    const path: IndexedStep[] = [];
    let at = this.#places.get(id) ?? -1;
    for (; at >= 0; at = this.#steps.parent[at]) path.unshift(this.#at(at));
    return path;
  }

  #at(at: number): IndexedStep {
    const { id, text, kind, parent, began, took, error } = this.#steps;
    return {
      id: id[at],
      text: text[at],
      kind: stepKinds[kind[at]],
      parent: parent[at],
      state: error[at] >= 0 ? "failed" : took[at] < 0 ? "unfinished" : "passed",
      began: began[at],
      took: took[at],
      error: error[at],
    };
  }

  /** Begins a step. */
  begin(
    { id, step }: { id: number; step?: number },
    time: number,
    machine: number,
    text: string,
    kind: StepKind,
  ): void {
    const { length } = this.#steps.id;
    if (length >= this.#limits.steps) {
      this.#omitted++;
      return;
    }
    const shown = harmless(shortened(text, this.#limits.text));
    const title = shortened(shown.split("\n", 1)[0], this.#limits.title);
    this.#places.set(id, length);
    this.#open.set(id, {
      at: length,
      text: title === shown ? undefined : shown,
      commands: [],
    });
    const steps = this.#steps;
    steps.id.push(id);
    steps.parent.push(this.#places.get(step ?? -1) ?? -1);
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

  /**
   * Ends a step.
   *
   * @param error The number of the error that ended it; -1 for none.
   */
  end(id: number, time: number, error: number): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#open.delete(id);
    const { at, text, commands } = open;
    this.#steps.took[at] = time - this.#steps.began[at];
    this.#steps.error[at] = error;
    if (text === undefined && commands.length === 0) return;
    this.#tell(at, { text, commands });
  }

  /**
   * Notes the place of a step in the author's files.
   *
   * @param source The number of the file.
   */
  place(id: number, source: number, line: number): void {
    const at = this.#places.get(id);
    if (at === undefined) return;
    this.#steps.source[at] = source;
    this.#steps.line[at] = line;
  }

  /** Whether a step is in the index. */
  has(id: number): boolean {
    return this.#places.has(id);
  }

  /**
   * Notes a command that has ended, for the step that ran it.
   *
   * @param duration How long it took, in the unit of `time`.
   */
  command(
    event: RunEvent<"commandEnded">,
    time: number,
    machine: number,
    duration: number,
  ): void {
    const { kind, command } = event;
    const told = this.#told(event);
    if (kind !== "execute") {
      const open = this.#open.get(event.step ?? -1);
      if (open === undefined) return;
      open.commands.push(told);
      this.#steps.kind[open.at] = stepKinds.indexOf(kind);
      return;
    }
    // The command has no step of its own in the log.
    const id = -1 - ++this.#executed;
    const began = Math.max(0, time - duration);
    this.begin(
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

  #told(
    { kind, command, status, output, omitted, stderr, duration }: RunEvent<
      "commandEnded"
    >,
  ): PageCommand {
    return {
      kind,
      command: harmless(shortened(command, this.#limits.text)),
      status,
      output: harmless(output),
      omitted,
      stderr: stderr === undefined ? undefined : harmless(stderr),
      duration,
    };
  }

  #tell(at: number, more: StepRecord): void {
    const [chunk, record] = this.#records.add(more);
    this.#steps.chunk[at] = chunk;
    this.#steps.record[at] = record;
  }
}
