import { shownLine } from "./line_stream.ts";
import type { PageInterval, PageMark } from "./page_format.ts";

/** What a page's timeline shows: moments and intervals of machines. */
export class Timeline {
  readonly #marks: PageMark[] = [];
  readonly #intervals: PageInterval[] = [];
  readonly #open = new Map<number, PageInterval[]>();

  /** The moments. */
  get marks(): readonly PageMark[] {
    return this.#marks;
  }

  /** The intervals. One that has not ended has the end -1. */
  get intervals(): readonly PageInterval[] {
    return this.#intervals;
  }

  /** Marks a moment. */
  mark(
    time: number,
    kind: PageMark["kind"],
    machine: number,
    text?: string,
  ): void {
    this.#marks.push({
      time,
      kind,
      machine,
      text: text === undefined ? undefined : shownLine(text),
    });
  }

  /** Begins an interval. Several may have one id. */
  begin(
    { text, ...interval }: Omit<PageInterval, "end">,
  ): void {
    const { id } = interval;
    const begun = { ...interval, end: -1, text: shownLine(text) };
    this.#intervals.push(begun);
    const open = this.#open.get(id);
    if (open === undefined) this.#open.set(id, [begun]);
    else open.push(begun);
  }

  /** Ends the intervals with an id. */
  end(id: number, time: number): void {
    for (const interval of this.#open.get(id) ?? []) interval.end = time;
    this.#open.delete(id);
  }
}
