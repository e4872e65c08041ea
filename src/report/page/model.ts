import {
  type PageMachine,
  type PageRun,
  type PageShot,
  type StepKind,
  stepKinds,
  type StepState,
  TICKS,
} from "../page_format.ts";

/** A step with its place among the others. */
export interface Step {
  /** Its place in the order in which steps began. */
  readonly at: number;
  readonly id: number;
  readonly parent: Step | undefined;
  readonly children: Step[];
  readonly depth: number;
  /** The number of its machine, -1: none. */
  readonly machine: number;
  readonly began: number;
  readonly ended: number;
  readonly state: StepState;
  readonly kind: StepKind;
  readonly text: string;
  /** The number of the error that ended it, -1: none. */
  readonly error: number;
  /** Its row in its lane of the timeline. */
  row: number;
}

/** A lane of the timeline: that of the script, or a machine's. */
export interface Lane {
  /** The number of the machine, -1: the script. */
  readonly machine: number;
  readonly name: string;
  readonly steps: readonly Step[];
  readonly rows: number;
  readonly shots: readonly PageShot[];
}

/** Which steps are shown. */
export interface Filter {
  /** Machines that are left out, and -1 for the script. */
  readonly hidden: ReadonlySet<number>;
  readonly kind: KindFilter;
  readonly state: StepState | "all";
}

/** Kinds of steps that a reader tells apart. */
export const kindFilters = {
  all: "all kinds",
  subtest: "subtests",
  command: "commands",
  wait: "waits",
  screenshot: "screenshots",
  boot: "boots",
  step: "other steps",
} as const;

/** A choice among the kinds of steps. */
export type KindFilter = keyof typeof kindFilters;

/** Rows of one lane that are drawn at most. */
const mostRows = 24;

/** A run as the page works with it. */
export class Model {
  readonly run: PageRun;
  readonly steps: readonly Step[];
  readonly roots: readonly Step[];
  readonly lanes: readonly Lane[];
  readonly #byId = new Map<number, Step>();

  constructor(run: PageRun) {
    this.run = run;
    const { steps: columns } = run;
    const steps: Step[] = [];
    const roots: Step[] = [];
    columns.id.forEach((id, at) => {
      const parent = steps[columns.parent[at]];
      const took = columns.took[at];
      const began = columns.began[at];
      const error = columns.error[at];
      const step: Step = {
        at,
        id,
        parent,
        children: [],
        depth: parent === undefined ? 0 : parent.depth + 1,
        machine: columns.machine[at],
        began,
        ended: took < 0 ? Math.max(began, run.time) : began + took,
        state: error >= 0 ? "failed" : took < 0 ? "unfinished" : "passed",
        kind: stepKinds[columns.kind[at]],
        text: columns.text[at],
        error,
        row: 0,
      };
      steps.push(step);
      (parent?.children ?? roots).push(step);
      this.#byId.set(id, step);
    });
    this.steps = steps;
    this.roots = roots;
    this.lanes = lanesOf(run, steps);
  }

  step(id: number | undefined): Step | undefined {
    return id === undefined ? undefined : this.#byId.get(id);
  }

  machineName(number: number): string {
    return number < 0 ? "script" : this.run.machines[number].name;
  }

  /**
   * The innermost step that ended the run; of each subtest that failed, if the
   * run went on after them.
   */
  get ends(): readonly Step[] {
    const { error, errors } = this.run;
    const ends = errors[error]?.name === "SubtestFailures"
      ? this.steps.filter(({ kind, state }) =>
        kind === "subtest" && state === "failed"
      ).map((subtest) => errors[subtest.error])
      : [errors[error]];
    const steps = ends.flatMap((one) => this.step(one?.step) ?? []);
    return [...new Set(steps)];
  }

  /**
   * The step that a reader looks for first: one that ended the run, or the first
   * that failed, or the latest if the run has no end.
   */
  get failed(): Step | undefined {
    return this.ends[0] ??
      this.steps.find(({ state }) => state === "failed") ??
      this.steps.findLast(({ state }) => state === "unfinished");
  }

  /** How many steps there are of each state, of subtests where there are any. */
  counts(subtests: boolean): Record<StepState, number> {
    const counts = { passed: 0, failed: 0, unfinished: 0 };
    for (const { kind, state } of this.steps) {
      if (kind === "script" || subtests && kind !== "subtest") continue;
      counts[state]++;
    }
    return counts;
  }

  get hasSubtests(): boolean {
    return this.steps.some(({ kind }) => kind === "subtest");
  }

  /** The latest screen of a machine before a moment, and the first after it. */
  shotsAround(
    machine: number,
    began: number,
    ended: number,
  ): { before?: PageShot; after?: PageShot } {
    const own = this.run.shots.filter((shot) =>
      shot.machine === machine && shot.image >= 0
    );
    return {
      before: own.findLast(({ time }) => time <= began),
      after: own.find(({ time }) => time > began && time >= ended) ??
        own.findLast(({ time }) => time > began),
    };
  }
}

function lanesOf(run: PageRun, steps: readonly Step[]): Lane[] {
  const own = new Map<number, Step[]>([[-1, []]]);
  run.machines.forEach((_, i) => own.set(i, []));
  for (const step of steps) own.get(step.machine)!.push(step);
  return [...own].flatMap(([machine, mine]) => {
    // A fork's machine stands below the one that it has branched off from.
    const rows = packed(mine);
    const shots = run.shots.filter((shot) => shot.machine === machine);
    const name = machine < 0 ? "script" : run.machines[machine].name;
    return [{ machine, name, steps: mine, rows, shots }];
  }).sort((a, b) => order(run.machines, a) - order(run.machines, b));
}

function order(machines: readonly PageMachine[], { machine }: Lane): number {
  if (machine < 0) return -1;
  const { parent } = machines[machine];
  const above = machines.findIndex(({ name }) => name === parent);
  return above < 0 ? machine : above + (machine + 1) / (machines.length + 1);
}

/** Gives steps rows, so that none covers another; answers how many. */
function packed(steps: readonly Step[]): number {
  const ends: number[] = [];
  // The script lasts as long as the run, and is its whole lane.
  const drawn = steps.filter(({ kind }) => kind !== "script");
  const sorted = drawn.sort((a, b) => a.began - b.began || a.at - b.at);
  for (const step of sorted) {
    const { parent } = step;
    const isInside = parent !== undefined && parent.kind !== "script" &&
      parent.machine === step.machine;
    let row = isInside ? parent.row + 1 : 0;
    while (row < mostRows - 1 && ends[row] > step.began) row++;
    step.row = Math.min(row, mostRows - 1);
    ends[step.row] = Math.max(ends[step.row] ?? 0, step.ended);
  }
  return Math.max(1, ends.length);
}

/** Whether a filter shows a step. */
export function isShown(step: Step, { hidden, kind, state }: Filter): boolean {
  if (hidden.has(step.machine)) return false;
  if (state !== "all" && step.state !== state) return false;
  return kind === "all" || kindOf(step.kind) === kind;
}

function kindOf(kind: StepKind): KindFilter {
  switch (kind) {
    case "succeed":
    case "fail":
    case "execute":
      return "command";
    case "subtest":
    case "wait":
    case "boot":
    case "screenshot":
      return kind;
    default:
      return "step";
  }
}

/** A duration for a person. */
export function seconds(time: number): string {
  const all = time / TICKS;
  if (all >= 3600) {
    return `${Math.floor(all / 3600)} h ${Math.floor(all / 60) % 60} min`;
  }
  if (all >= 60) return `${Math.floor(all / 60)} min ${Math.floor(all % 60)} s`;
  return all >= 10 ? `${all.toFixed(1)} s` : `${all.toFixed(2)} s`;
}

/** A moment for a person. */
export function clock(time: number): string {
  return (time / TICKS).toFixed(2);
}
