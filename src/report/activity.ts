import { harmless } from "../scan/mod.ts";
import type { RunEvent } from "./event.ts";

/** A step that is under way. */
interface OpenStep {
  readonly id: number;
  readonly text: string;
  readonly machine: string | undefined;
  readonly parent: number | undefined;
  readonly began: number;
  readonly isSubtest: boolean;
  readonly isBoot: boolean;
}

/** The known facts about a machine. */
interface MachineState {
  /** Since when it has booted, in seconds of the run; nothing once its shell answered. */
  booting?: number;
  /** How it ended: `off` or `dead`. */
  over?: string;
  /** The last line of its console. */
  said?: string;
  /** The end of what commands have printed, and when. */
  printed?: { text: string; time: number };
}

/** Something that a run does now. */
export interface Doing {
  /** The machine that it is about. */
  readonly machine: string | undefined;
  /** What it is. */
  readonly text: string;
  /** Since when, in seconds of the run. */
  readonly since: number;
  /** The last line that it has printed, if any. */
  readonly last?: string;
  /** The last lines that its command has printed, the latest last. */
  readonly printed?: readonly string[];
}

/**
 * Characters of commands' output that are kept, and lines of it that are shown.
 */
const mostPrinted = 4000, mostLines = 3;

/** What a run does at this moment, according to its events. */
export class Activity {
  readonly #steps = new Map<number, OpenStep>();
  readonly #machines = new Map<string, MachineState>();
  /** Of the latest event, in seconds of the run and in milliseconds of our clock. */
  #time = 0;
  #heardAt = performance.now();

  /** Takes an event. */
  on(event: RunEvent): void {
    this.#time = event.time;
    this.#heardAt = performance.now();
    switch (event.type) {
      case "stepBegan":
        if (event.role === "script") break;
        this.#steps.set(event.id, {
          id: event.id,
          text: event.text,
          machine: event.machine,
          parent: event.step,
          began: event.time,
          isSubtest: false,
          isBoot: event.role === "boot",
        });
        break;
      case "subtestBegan":
        this.#steps.set(event.id, {
          id: event.id,
          text: `subtest: ${event.name}`,
          machine: undefined,
          parent: event.step,
          began: event.time,
          isSubtest: true,
          isBoot: false,
        });
        break;
      case "stepEnded":
        this.#steps.delete(event.id);
        if (event.machine !== undefined) {
          // The next command's output is its own.
          this.#state(event.machine).printed = undefined;
        }
        break;
      case "subtestEnded":
        this.#steps.delete(event.id);
        break;
      case "machineStarted":
        this.#machines.set(event.machine, { booting: event.time });
        break;
      case "mark":
        if (event.machine !== undefined) {
          this.#marked(this.#state(event.machine), event);
        }
        break;
      case "consoleLine":
        if (event.text.trim() !== "") {
          this.#state(event.machine).said = event.text;
        }
        break;
    }
  }

  /** Takes a part of a command's output. */
  onOutput(machine: string, text: string): void {
    const state = this.#state(machine);
    const all = (state.printed?.text ?? "") + text.slice(-mostPrinted);
    state.printed = { text: all.slice(-mostPrinted), time: this.now };
  }

  /** Seconds since the run began. */
  get now(): number {
    return this.#time + (performance.now() - this.#heardAt) / 1000;
  }

  /** Steps of no machine, such as subtests, outermost first. */
  get around(): Doing[] {
    return [...this.#steps.values()]
      .filter(({ machine, isBoot }) => machine === undefined && !isBoot)
      .map(({ text, began }) => ({ machine: undefined, text, since: began }));
  }

  /** What each running machine does, and the pending steps about it. */
  get machines(): Doing[] {
    return [...this.#machines].flatMap(([machine, state]) => {
      if (state.over !== undefined && !this.#isAsked(machine)) return [];
      return this.#doingOf(machine, state);
    });
  }

  /** The waits, innermost first; nothing if there are none. */
  get waits(): Doing[] {
    const parents = new Set([...this.#steps.values()].map((one) => one.parent));
    return [...this.#steps.values()].filter(({ id }) => !parents.has(id))
      .reverse().map((step) => {
        const state = step.machine === undefined
          ? undefined
          : this.#machines.get(step.machine);
        return {
          machine: step.machine,
          text: step.text,
          since: step.began,
          last: state && lastOf(state, step),
        };
      });
  }

  #marked(state: MachineState, { kind, time }: RunEvent<"mark">): void {
    if (kind === "ready") state.booting = undefined;
    else if (kind === "reset") state.booting = time;
    else if (kind === "death") state.over = "dead";
    else if (kind === "end" && state.over === undefined) state.over = "off";
  }

  #state(machine: string): MachineState {
    let state = this.#machines.get(machine);
    if (state === undefined) {
      state = {};
      this.#machines.set(machine, state);
    }
    return state;
  }

  #isAsked(machine: string): boolean {
    return [...this.#steps.values()].some((one) => one.machine === machine);
  }

  #doingOf(machine: string, state: MachineState): Doing[] {
    const own = [...this.#steps.values()]
      .filter((one) => one.machine === machine);
    const inner = own.filter(({ id }) => !own.some((one) => one.parent === id));
    const work = inner.filter(({ isBoot }) => !isBoot);
    const { booting, over } = state;
    if (over === undefined && booting !== undefined && work.length === 0) {
      const last = state.said;
      return [{ machine, text: "booting", since: booting, last }];
    }
    if (work.length === 0) {
      return [{ machine, text: over ?? "idle", since: this.now }];
    }
    return work.map((step) => ({
      machine,
      text: step.text,
      since: step.began,
      last: lastOf(state, step),
      printed: printedBy(state, step),
    }));
  }
}

/** The last lines that a step's command has printed. */
function printedBy(
  { printed }: MachineState,
  { began }: OpenStep,
): readonly string[] {
  if (printed === undefined || printed.time < began) return [];
  return harmless(printed.text).split("\n").map((line) => line.trimEnd())
    .filter((line) => line !== "").slice(-mostLines);
}

/** The last line that a step has printed. */
function lastOf(state: MachineState, step: OpenStep): string | undefined {
  return printedBy(state, step).at(-1) ??
    (state.booting === undefined ? undefined : state.said);
}
