import {
  describeError,
  type ErrorReport,
  type Listener,
  type RunEvent,
} from "../report/event.ts";

/** Frames of a stack that reach from {@linkcode StepTrail.on} to the script. */
const DEPTH = 30;

interface Open {
  readonly what: string;
  readonly parent: number | undefined;
  readonly began: number;
  readonly isBoot: boolean;
  readonly beginning: Error | undefined;
}

/** A step that nobody has waited for. */
export interface UnfinishedStep {
  /** What it does. */
  readonly what: string;
  /** Made where it began, for its stack. */
  readonly beginning?: Error;
}

/** Remembers what the test was doing when it failed. */
export class StepTrail implements Listener {
  readonly #open = new Map<number, Open>();
  readonly #withStacks: boolean;
  /** When the latest event happened, in seconds since the run began … */
  #time = 0;
  /** … and in milliseconds of this process's clock. */
  #heardAt = performance.now();
  #error: ErrorReport | undefined;
  #failed: string[] = [];
  /** What encloses the last of the steps that failed. */
  #around: number | undefined;
  /** Where the last step began, over or not. */
  #latest: Error | undefined;

  /**
   * Remembers what it is told from now on.
   *
   * @param options.stacks Whether to remember where each step began.
   */
  constructor(options: { stacks?: boolean } = {}) {
    this.#withStacks = options.stacks ?? false;
  }

  /** See {@linkcode Listener.on}. */
  on(event: RunEvent): void {
    this.#time = event.time;
    this.#heardAt = performance.now();
    switch (event.type) {
      case "stepBegan":
      case "subtestBegan":
        // The outermost step is the script itself.
        if (event.type === "stepBegan" && event.role === "script") break;
        this.#latest = this.#withStacks ? hereAndNow() : undefined;
        this.#open.set(event.id, {
          what: event.type === "stepBegan"
            ? said(event.text, event.machine)
            : `subtest ${event.name}`,
          parent: event.step,
          began: event.time,
          isBoot: event.type === "stepBegan" && event.role === "boot",
          beginning: this.#latest,
        });
        break;
      case "stepEnded":
      case "subtestEnded": {
        const step = this.#open.get(event.id);
        this.#open.delete(event.id);
        if (step === undefined || event.error === undefined) break;
        if (this.#error !== event.error) this.#failed = [];
        this.#error = event.error;
        this.#around = step.parent;
        this.#failed.push(
          `${step.what} (failed after ${event.duration.toFixed(2)} seconds)`,
        );
        break;
      }
    }
  }

  /**
   * The steps that an error ended, innermost first. If it ended none, those that
   * are still under way.
   *
   * @param error What was thrown.
   * @returns A line of text for each.
   */
  of(error: unknown): string[] {
    // The latest event may be as old as the step itself.
    const now = this.#time + (performance.now() - this.#heardAt) / 1000;
    const underWay = ({ what, began }: Open) =>
      `${what} (since ${(now - began).toFixed(2)} seconds)`;
    if (this.#error === undefined || this.#error !== describeError(error)) {
      return [...this.#open.values()].reverse().map(underWay);
    }
    const steps = [...this.#failed];
    // The script may not yet have heard of the error.
    for (let at = this.#around; at !== undefined;) {
      const step = this.#open.get(at);
      if (step !== undefined) steps.push(underWay(step));
      at = step?.parent;
    }
    return steps;
  }

  /** Made where the latest step began, over or not, for its stack. */
  get latest(): Error | undefined {
    return this.#latest;
  }

  /**
   * The steps under way that no other encloses, those apart that only wait for
   * the boot of a machine.
   */
  unfinished(): UnfinishedStep[] {
    return [...this.#open.values()].filter(({ parent, isBoot }) =>
      !isBoot && !this.#open.has(parent ?? -1)
    );
  }
}

/** Where a step begins: whoever is told of it is called from there. */
function hereAndNow(): Error {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  try {
    // Its stack is put into words where somebody asks for it.
    return new Error();
  } finally {
    Error.stackTraceLimit = before;
  }
}

function said(text: string, machine: string | undefined): string {
  const [first, ...more] = text.split("\n");
  const line = more.length === 0 ? first : `${first} …`;
  return machine === undefined ? line : `${machine}: ${line}`;
}
