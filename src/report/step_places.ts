import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate } from "node:timers";
import {
  firstAuthorPlace,
  type Position,
  type StackPlace,
  withDeepStack,
} from "./positions.ts";

/**
 * Where in the author's files steps begin. To put a stack into words takes so
 * long that it is done while the step waits for its machine.
 */
export class StepPlaces {
  /** Where the author's code is that calls from another process. */
  readonly #away = new AsyncLocalStorage<Position | undefined>();
  readonly #tell: (step: number, place: StackPlace) => void;
  /** Steps that began, with the stacks that tell where. */
  #unplaced: { step: number; beginning: Error }[] = [];

  /**
   * Begins with no steps.
   *
   * @param tell Gets a step's id and where it begins.
   */
  constructor(tell: (step: number, place: StackPlace) => void) {
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
    if (away !== undefined) {
      return this.#tell(step, { position: away, waits: false });
    }
    // A timer would cost more than all the rest.
    if (this.#unplaced.length === 0) setImmediate(() => this.settle());
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
      const place = firstAuthorPlace(beginning);
      if (place !== undefined) this.#tell(step, place);
    }
  }
}
