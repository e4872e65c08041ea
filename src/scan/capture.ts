import { Decoded } from "./decoded.ts";
import { leftmostStart } from "./leftmost.ts";
import type { Match } from "./match.ts";
import { compileWhole } from "./program.ts";
import { withFlag } from "./retained_search.ts";
import type { Tail } from "./tail.ts";

/** A pattern whose caller asks for the text of its matches. */
export interface Captured {
  readonly regexp: RegExp;
  /** The result of `compileWhole`, from the first match on. */
  program?: Uint32Array;
  /** Where in the stream its next match may begin. */
  from: number;
}

/**
 * Adds to a match where it starts, and a way to get its capture groups. V8
 * looks for the groups in the matched text alone, and only when somebody reads
 * them, because it may take long. Adds nothing if the match begins before the
 * retained bytes.
 *
 * @param final Whether the stream ends with the retained bytes
 */
export function capture(
  match: Match,
  captured: Captured,
  tail: Tail,
  skipReturns: boolean,
  final: boolean,
): void {
  const { end } = match;
  const { regexp, from } = captured;
  const program = captured.program ??= compileWhole(regexp);
  const decode = (bytes: Uint8Array) =>
    new Decoded(bytes, tail.base, skipReturns, true);
  const before = decode(tail.bytes.subarray(0, end - tail.base));
  const { text } = before;
  // `$` and `\b` depend on the character after the match, if it has come.
  const next = decode(tail.bytes.subarray(0, end - tail.base + 16))
    .text.slice(text.length, text.length + 1);
  const start = leftmostStart(program, {
    text,
    from: Math.max(
      before.indexOf(from),
      tail.base > 0 ? before.afterFirst : 0,
    ),
    sticky: regexp.sticky,
    first: tail.base === 0,
    next: next !== "" ? next.charCodeAt(0) : final ? "end" : "unknown",
  });
  if (start < 0) return;
  match.start = start === text.length ? end : before.startOf(start);
  let groups: RegExpMatchArray | undefined;
  Object.defineProperty(match, "groups", {
    get: () => groups ??= groupsOf(regexp, text, next, start),
    enumerable: true,
    configurable: true,
  });
}

/** The match that V8 finds from an index of a text to its end. */
function groupsOf(
  regexp: RegExp,
  text: string,
  next: string,
  start: number,
): RegExpMatchArray | undefined {
  const toEnd = next === "" ? "(?![^])" : "(?=[^])(?![^][^])";
  const exact = withFlag(
    new RegExp(`(?:${regexp.source})${toEnd}`, regexp.flags),
    "y",
  );
  exact.lastIndex = start;
  return exact.exec(text + next) ?? undefined;
}
