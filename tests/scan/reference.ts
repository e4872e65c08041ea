import {
  foldedWords,
  has,
  lineTerminators,
  words,
} from "../../src/scan/characters.ts";
import { Assertion, type Node } from "../../src/scan/syntax.ts";

// The slow way to match, with nothing clever about it: the stages of the
// scanner are compared with it one by one, so that a test says which is wrong.

/** The characters of a text: code points, or UTF-16 units without `unicode`. */
export function charactersOf(text: string, unicode: boolean): number[] {
  if (unicode) return [...text].map((character) => character.codePointAt(0)!);
  return Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
}

/** Where what a node matches may end, if it starts at `from`. */
export function endsOf(
  node: Node,
  text: readonly number[],
  from: number,
): Set<number> {
  switch (node.type) {
    case "characters": {
      const fits = from < text.length && has(node.set, text[from]);
      return new Set(fits ? [from + 1] : []);
    }
    case "sequence":
      return node.nodes.reduce(
        (ends, part) => after(ends, part, text),
        new Set([from]),
      );
    case "choice":
      return new Set(
        node.nodes.flatMap((way) => [...endsOf(way, text, from)]),
      );
    case "repeat": {
      let ends = new Set([from]);
      for (let i = 0; i < node.min; i++) {
        const next = after(ends, node.node, text);
        // An empty pattern is the same any number of times.
        if (isSame(next, ends)) break;
        ends = next;
      }
      for (let i = node.min; i < node.max; i++) {
        const more = after(ends, node.node, text).union(ends);
        if (more.size === ends.size) break;
        ends = more;
      }
      return ends;
    }
    case "assertion":
      return new Set(holds(node.assertion, text, from) ? [from] : []);
  }
}

function after(
  starts: ReadonlySet<number>,
  node: Node,
  text: readonly number[],
): Set<number> {
  return new Set(
    [...starts].flatMap((start) => [...endsOf(node, text, start)]),
  );
}

function isSame(a: ReadonlySet<number>, b: Set<number>): boolean {
  return a.size === b.size && [...a].every((one) => b.has(one));
}

/** Whether an assertion holds at a place in a text that is the whole stream. */
export function holds(
  assertion: Assertion,
  text: readonly number[],
  at: number,
): boolean {
  const ends = (place: number) =>
    place < 0 || place >= text.length || has(lineTerminators, text[place]);
  const differs = (set: readonly number[]) =>
    (at > 0 && has(set, text[at - 1])) !==
      (at < text.length && has(set, text[at]));
  switch (assertion) {
    case Assertion.StreamStart:
      return at === 0;
    case Assertion.StreamEnd:
      return at === text.length;
    case Assertion.LineStart:
      return ends(at - 1);
    case Assertion.LineEnd:
      return ends(at);
    case Assertion.WordBoundary:
      return differs(words);
    case Assertion.NotWordBoundary:
      return !differs(words);
    case Assertion.UnicodeWordBoundary:
      return differs(foldedWords);
    case Assertion.NotUnicodeWordBoundary:
      return !differs(foldedWords);
  }
}
