import { Decoded } from "./decoded.ts";
import type { Match } from "./match.ts";
import type { Tail } from "./tail.ts";

interface Wanted {
  regexp: RegExp;
  text: boolean;
  /** Where its next match may begin, as an offset in the stream. */
  from: number;
  /** Where its last match ended, so that an empty one is not found twice. */
  lastEnd: number;
}

/**
 * Patterns that no finite automaton can match (look-around, back-references),
 * searched by V8 in the end of the stream that is retained.
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
      let index = decoded.indexOf(wanted.from);
      while (index <= decoded.text.length) {
        regexp.lastIndex = index;
        const found = regexp.exec(decoded.text);
        if (found === null) break;
        index = found.index + found[0].length;
        const end = decoded.endOf(index);
        if (end <= wanted.lastEnd) {
          // The same empty match once more: the next one is a character on. In
          // the middle of a pair of surrogates V8 would step back to its begin.
          index += (decoded.text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
          continue;
        }
        wanted.lastEnd = end;
        wanted.from = end;
        const match: Match = { id, end };
        if (wanted.text) {
          match.start = decoded.startOf(found.index);
          match.groups = found;
        }
        matches.push(match);
      }
    }
    return matches;
  }
}

/**
 * Where a match that ends at `end` starts, and its capture groups: what V8
 * finds first in the text from `from` to `end`. Nothing if the match begins
 * before what is retained.
 */
export function capture(
  regexp: RegExp,
  tail: Tail,
  from: number,
  end: number,
  skipReturns: boolean,
): Pick<Match, "start" | "groups"> {
  const bytes = tail.bytes;
  // What stands just before is looked at by `\b` and `^`.
  let first = Math.max(0, from - tail.base - 16);
  while (first > 0 && (bytes[first] & 0xc0) === 0x80) first++;
  const base = tail.base + first;
  const text = new Decoded(
    bytes.subarray(first, end - tail.base),
    base,
    skipReturns,
    true,
  );
  const method = regexp.sticky ? "y" : "g";
  const index = text.indexOf(from);
  const plain = withFlag(regexp, method);
  plain.lastIndex = index;
  const found = plain.exec(text.text);
  if (found && found.index + found[0].length === text.text.length) {
    return { start: text.startOf(found.index), groups: found };
  }
  // The match depends on what comes after it.
  const more = new Decoded(
    bytes.subarray(first, end - tail.base + 16),
    base,
    skipReturns,
    true,
  );
  const next = String.fromCodePoint(
    more.text.codePointAt(text.text.length) ?? 10,
  );
  const exact = withFlag(
    new RegExp(`(?:${regexp.source})(?=[^])(?![^][^])`, regexp.flags),
    method,
  );
  exact.lastIndex = index;
  const foundExact = exact.exec(text.text + next);
  return foundExact
    ? { start: text.startOf(foundExact.index), groups: foundExact }
    : {};
}

function withFlag(regexp: RegExp, flag: "g" | "y"): RegExp {
  return new RegExp(
    regexp.source,
    regexp.flags.replace(/[gy]/g, "") + flag,
  );
}
