import { harmless } from "../scan/mod.ts";
import type { ErrorReport } from "./event.ts";
import { shownLine } from "./line_stream.ts";
import type { PageError } from "./page_format.ts";
import type { RecordChunks } from "./record_chunks.ts";
import { shortened } from "./shortened.ts";

/** How many of the latest errors may end more steps. */
const RECENT = 8;

/** The errors of a page, each once, whatever steps it ended. */
export class PageErrors {
  readonly #records: RecordChunks;
  readonly #limits: { readonly title: number; readonly text: number };
  readonly #all: PageError[] = [];
  /**
   * The latest errors first, because an error may end several steps in a row.
   */
  readonly #recent: { error: ErrorReport; number: number }[] = [];

  /**
   * @param records Keeps the messages.
   * @param limits Characters of a message, and of its first line in the index.
   */
  constructor(
    records: RecordChunks,
    limits: { readonly title: number; readonly text: number },
  ) {
    this.#records = records;
    this.#limits = limits;
  }

  /** All errors, by their numbers. */
  get all(): readonly PageError[] {
    return this.#all;
  }

  /** The number of the latest error; -1 if there is none. */
  get latest(): number {
    return this.#recent[0]?.number ?? -1;
  }

  /**
   * The number of an error: steps that one error ended share it.
   *
   * @param step The step that it ended; -1 for none.
   */
  add(error: ErrorReport, step: number): number {
    const known = this.#recent.find((one) => isSame(one.error, error));
    if (known !== undefined) return known.number;
    const message = shortened(harmless(error.message), this.#limits.text);
    const number = this.#all.length;
    this.#all.push({
      name: shownLine(error.name),
      title: shortened(message.split("\n", 1)[0], this.#limits.title),
      step,
      place: this.#records.add(message),
    });
    this.#recent.unshift({ error, number });
    this.#recent.length = Math.min(this.#recent.length, RECENT);
    return number;
  }
}

/** After reading from a file, equal errors are different objects. */
function isSame(one: ErrorReport, other: ErrorReport): boolean {
  return one === other ||
    one.name === other.name && one.message === other.message &&
      one.stack === other.stack;
}
