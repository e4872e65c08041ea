import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate } from "node:timers";
import {
  firstAuthorPlace,
  type Position,
  type StackPlace,
  withDeepStack,
} from "./positions.ts";

/**
 * Where in the author's files steps begin. Formatting a stack takes so long
 * that it is done while the step waits for its machine.
 */
export class StepPlaces {
  /** The place of the author's code in another process that calls. */
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

  /** The calling place, if the author's code is in another process. */
  get away(): Position | undefined {
    return this.#away.getStore();
  }

  /** Runs a function on behalf of the author's code in another process. */
  at<T>(position: Position | undefined, fn: () => T): T {
    return this.#away.run(position, fn);
  }

  /** Notes that the calling code begins a step. */
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

  /** Reports now where the remaining steps began. */
  settle(): void {
    const unplaced = this.#unplaced;
    this.#unplaced = [];
    for (const { step, beginning } of unplaced) {
      const place = firstAuthorPlace(beginning);
      if (place !== undefined) this.#tell(step, place);
    }
  }
}
