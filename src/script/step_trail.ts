import {
  describeError,
  type ErrorReport,
  type Event,
  type Listener,
} from "../report/event.ts";

const outermost = "run the VM test script";

interface Open {
  readonly what: string;
  readonly parent: number | undefined;
  readonly began: number;
}

/** Remembers what the test was doing when it failed. */
export class StepTrail implements Listener {
  readonly #open = new Map<number, Open>();
  #time = 0;
  #error: ErrorReport | undefined;
  #failed: string[] = [];

  /** See {@linkcode Listener.on}. */
  on(event: Event): void {
    this.#time = event.time;
    switch (event.type) {
      case "stepBegan":
      case "subtestBegan":
        // The outermost step is the script itself.
        if (event.type === "stepBegan" && event.text === outermost) break;
        this.#open.set(event.id, {
          what: event.type === "stepBegan"
            ? said(event.text, event.machine)
            : `subtest ${event.name}`,
          parent: event.step,
          began: event.time,
        });
        break;
      case "stepEnded":
      case "subtestEnded": {
        const step = this.#open.get(event.id);
        this.#open.delete(event.id);
        if (step === undefined || event.error === undefined) break;
        if (this.#error !== event.error) this.#failed = [];
        this.#error = event.error;
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
    if (this.#error !== undefined && this.#error === describeError(error)) {
      return [...this.#failed];
    }
    return [...this.#open.values()].reverse().map(({ what, began }) =>
      `${what} (since ${(this.#time - began).toFixed(2)} seconds)`
    );
  }
}

function said(text: string, machine: string | undefined): string {
  const [first, ...more] = text.split("\n");
  const line = more.length === 0 ? first : `${first} …`;
  return machine === undefined ? line : `${machine}: ${line}`;
}
