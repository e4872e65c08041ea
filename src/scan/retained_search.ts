import { Decoded } from "./decoded.ts";
import type { Match } from "./match.ts";
import type { Tail } from "./tail.ts";

/**
 * Matches sources of patterns whose matches the text after them may undo, and
 * of some others.
 */
const looksAhead = /\$|\\b|\(\?[=!]/i;

interface Wanted {
  regexp: RegExp;
  text: boolean;
  /** Whether a match at the end of the bytes so far is uncertain. */
  waits: boolean;
  /** The offset in the stream from which its next match may begin. */
  from: number;
  /**
   * Where its last match ended, so that the search does not find an empty one
   * twice.
   */
  lastEnd: number;
}

/**
 * Patterns that no finite automaton can match (look-around, back-references).
 * V8 searches for them in the retained end of the stream.
 */
export class RetainedSearch {
  readonly #skipReturns: boolean;
  readonly #wanted = new Map<number, Wanted>();

  constructor(skipReturns: boolean) {
    this.#skipReturns = skipReturns;
  }

  get size(): number {
    return this.#wanted.size;
  }

  add(id: number, regexp: RegExp, text: boolean, position: number): void {
    this.#wanted.set(id, {
      regexp: withFlag(regexp, regexp.sticky ? "y" : "g"),
      text,
      waits: looksAhead.test(regexp.source),
      from: position,
      lastEnd: -1,
    });
  }

  delete(id: number): void {
    this.#wanted.delete(id);
  }

  search(tail: Tail, final: boolean): Match[] {
    const matches: Match[] = [];
    if (this.#wanted.size === 0) return matches;
    const decoded = new Decoded(
      tail.bytes,
      tail.base,
      this.#skipReturns,
      final,
    );
    for (const [id, wanted] of this.#wanted) {
      const { regexp } = wanted;
      // The beginning of the retained text need not be that of the stream, or
      // of a word.
      let index = Math.max(
        decoded.indexOf(wanted.from),
        tail.base > 0 ? decoded.afterFirst : 0,
      );
      while (index <= decoded.text.length) {
        regexp.lastIndex = index;
        const found = regexp.exec(decoded.text);
        if (found === null) break;
        const atEnd = found.index + found[0].length === decoded.text.length;
        if (atEnd && wanted.waits && !final) break;
        index = found.index + found[0].length;
        const end = decoded.endOf(index);
        if (end <= wanted.lastEnd) {
          // This is the same empty match again, so the search goes on after the
          // next character. Within a pair of surrogates, V8 would step back to
          // the pair's beginning.
          index += (decoded.text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
          continue;
        }
        wanted.lastEnd = end;
        wanted.from = end;
        matches.push(
          wanted.text
            ? { id, end, start: decoded.startOf(found.index), groups: found }
            : { id, end },
        );
      }
    }
    return matches;
  }
}

/**
 * The same pattern with one of the flags `g` and `y`, and without the other.
 */
export function withFlag(regexp: RegExp, flag: "g" | "y"): RegExp {
  return new RegExp(
    regexp.source,
    regexp.flags.replace(/[gy]/g, "") + flag,
  );
}
