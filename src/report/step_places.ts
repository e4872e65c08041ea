import { AsyncLocalStorage } from "node:async_hooks";
import {
  firstAuthorPosition,
  type Position,
  withDeepStack,
} from "./positions.ts";

/**
 * Where in the author's files steps begin. To put a stack into words takes so
 * long that it is done while the step waits for its machine.
 */
export class StepPlaces {
  /** Where the author's code is that calls from another process. */
  readonly #away = new AsyncLocalStorage<Position | undefined>();
  readonly #tell: (step: number, position: Position) => void;
  /** Steps that began, with the stacks that tell where. */
  #unplaced: { step: number; beginning: Error }[] = [];

  /**
   * Begins with no steps.
   *
   * @param tell Gets a step's id and where it begins.
   */
  constructor(tell: (step: number, position: Position) => void) {
    this.#tell = tell;
  }

  /** Where the calling code's author is, if that is in another process. */
  get away(): Position | undefined {
    return this.#away.getStore();
  }

  /** Runs a function on behalf of the author's code in another process. */
  at<T>(position: Position | undefined, fn: () => T): T {
    return this.#away.run(position, fn);
  }

  /** Remembers that a step begins here, in the calling code. */
  place(step: number): void {
    const { away } = this;
    if (away !== undefined) return this.#tell(step, away);
    if (this.#unplaced.length === 0) {
      const timer = setTimeout(() => this.settle());
      Deno.unrefTimer(timer);
    }
    this.#unplaced.push({
      step,
      beginning: withDeepStack(() => new Error()),
    });
  }

  /** Tells now where the steps began that nobody was told of. */
  settle(): void {
    const unplaced = this.#unplaced;
    this.#unplaced = [];
    for (const { step, beginning } of unplaced) {
      const position = firstAuthorPosition(beginning);
      if (position !== undefined) this.#tell(step, position);
    }
  }
}
