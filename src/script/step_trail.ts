import {
  describeError,
  type ErrorReport,
  type Listener,
  type RunEvent,
} from "../report/event.ts";

/**
 * How many frames of a stack are enough to get from {@linkcode StepTrail.on} to
 * the script.
 */
const DEPTH = 30;

interface Open {
  readonly what: string;
  readonly parent: number | undefined;
  readonly began: number;
  readonly isBoot: boolean;
  readonly beginning: Error | undefined;
}

/** A step that the script has not waited for. */
export interface UnfinishedStep {
  /** What it does. */
  readonly what: string;
  /** Made where it began, for its stack. */
  readonly beginning?: Error;
}

/** Records the steps of a test, to tell what it was doing when it failed. */
export class StepTrail implements Listener {
  /** The explanation of a failure shows where the author called what failed. */
  readonly takesPlaces = true;
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
   * Begins to record.
   *
   * @param options.stacks Whether to record where each step began.
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
   * The steps that an error has ended, innermost first; if it has ended none,
   * the steps under way.
   *
   * @param error What was thrown.
   * @returns A line of text for each.
   */
  of(error: unknown): string[] {
    // Nothing may have happened since the step began.
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

  /** The outermost steps under way, without those that only wait for a boot. */
  unfinished(): UnfinishedStep[] {
    return [...this.#open.values()].filter(({ parent, isBoot }) =>
      !isBoot && !this.#open.has(parent ?? -1)
    );
  }
}

/**
 * Records the stack of the current call, which leads to the place where a step
 * begins.
 */
function hereAndNow(): Error {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  try {
    // V8 formats the stack only when somebody reads it.
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
