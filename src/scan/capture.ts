import { Decoded } from "./decoded.ts";
import { leftmostStart } from "./leftmost.ts";
import type { Match } from "./match.ts";
import { compileWhole } from "./program.ts";
import { withFlag } from "./retained_search.ts";
import type { Tail } from "./tail.ts";

/** A pattern whose matches' texts are asked for. */
export interface Captured {
  readonly regexp: RegExp;
  /** What `compileWhole` made of it, once it has matched. */
  program?: Uint32Array;
  /** Where in the stream its next match may begin. */
  from: number;
}

/**
 * Says of a match where it starts, and how to get its capture groups, which V8
 * finds in just that text when they are asked for: it may take its time. Says
 * nothing if the match begins before what is retained.
 *
 * @param final Whether the stream ends with what is retained
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
  // What comes after the match, if it has come, decides about `$` and `\b`.
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

/** What V8 finds from an index of a text to its end. */
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
