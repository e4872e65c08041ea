import type { Capture, Fault } from "../../machine/mod.ts";

/** Faults that Python holds. */
export class CrossedFaults {
  readonly #faults: Fault[] = [];

  /** A value as Python takes it: a fault by its number, all else as it is. */
  toPython(value: unknown): unknown {
    if (!isFault(value)) return value;
    const { text, path } = value;
    return { fault: this.#faults.push(value) - 1, text, path };
  }

  /** The fault of a number. */
  get(number: number): Fault {
    const fault = this.#faults[number];
    if (fault !== undefined) return fault;
    throw new TypeError(`Python asked for fault ${number}`);
  }
}

function isFault(value: unknown): value is Fault & Partial<Capture> {
  return typeof value === "object" && value !== null && "heal" in value &&
    "isOver" in value;
}
