import { bytesOfUnit } from "./bytes.ts";
import { foldedWords, has, lineTerminators, words } from "./characters.ts";
import { assertion, crossesLines, match, ranges, split } from "./program.ts";
import { Assertion } from "./syntax.ts";

/** A text that ends where a match ends, and its surroundings. */
export interface MatchedText {
  text: string;
  /** The first index at which the match may start. */
  from: number;
  /** Whether it must start there. */
  sticky: boolean;
  /** Whether the stream begins with the text. */
  first: boolean;
  /** The unit after the text, if it is known. */
  next: number | "end" | "unknown";
}

/**
 * Finds the start of the leftmost match that ends at the end of a text, or -1.
 * It tries all starts side by side: each node of the automaton keeps the
 * leftmost start that leads to it. So it takes linear time; V8's search for the
 * same does not.
 *
 * @param program The pattern as `compileWhole` compiled it
 */
export function leftmostStart(
  program: Uint32Array,
  matched: MatchedText,
): number {
  const { text, from, sticky } = matched;
  const lines = (program[2] & crossesLines) === 0;
  const begin = lines && !sticky
    ? Math.max(from, text.lastIndexOf("\n") + 1)
    : from;
  const threads = new Threads(program, matched);
  for (let at = begin;; at++) {
    if (!sticky || at === from) threads.begin(at);
    if (at === text.length) return threads.matched;
    const bytes = bytesOfUnit(text.charCodeAt(at));
    bytes.forEach((byte, i) => {
      threads.step(byte, i === bytes.length - 1 ? at + 1 : at);
    });
  }
}

const nowhere = 2 ** 31 - 1;

/** The nodes of the threads, each with the leftmost start of its threads. */
class Threads {
  readonly #program: Uint32Array;
  readonly #around: MatchedText;
  #nodes: number[] = [];
  #starts: Int32Array;
  #nextNodes: number[] = [];
  #nextStarts: Int32Array;
  /** The leftmost start that has led to a match at this position, or -1. */
  matched = -1;

  constructor(program: Uint32Array, around: MatchedText) {
    this.#program = program;
    this.#around = around;
    this.#starts = new Int32Array(program[0]).fill(nowhere);
    this.#nextStarts = new Int32Array(program[0]).fill(nowhere);
  }

  /** Starts a thread at this position. */
  begin(at: number): void {
    this.#enter(this.#program[1], at, at, this.#nodes, this.#starts);
  }

  /** Takes a byte; `at` is the position after it. */
  step(byte: number, at: number): void {
    this.matched = -1;
    for (const node of this.#nodes) {
      const start = this.#starts[node];
      this.#starts[node] = nowhere;
      const address = this.#program[3 + node];
      const head = this.#program[address];
      if ((head & 0xff) !== ranges) continue;
      const end = address + 1 + 2 * (head >> 8);
      for (let range = address + 1; range < end; range += 2) {
        const bounds = this.#program[range];
        if (byte < (bounds & 0xff) || byte > bounds >> 8) continue;
        const target = this.#program[range + 1];
        this.#enter(target, start, at, this.#nextNodes, this.#nextStarts);
      }
    }
    const [nodes, starts] = [this.#nodes, this.#starts];
    this.#nodes = this.#nextNodes;
    this.#starts = this.#nextStarts;
    nodes.length = 0;
    this.#nextNodes = nodes;
    this.#nextStarts = starts;
  }

  /**
   * Puts a thread at a node and at all nodes that it reaches without a byte.
   */
  #enter(
    first: number,
    start: number,
    at: number,
    nodes: number[],
    starts: Int32Array,
  ): void {
    const stack = [first];
    for (
      let node = stack.pop();
      node !== undefined;
      node = stack.pop()
    ) {
      if (starts[node] <= start) continue;
      if (starts[node] === nowhere) nodes.push(node);
      starts[node] = start;
      const address = this.#program[3 + node];
      const head = this.#program[address];
      switch (head & 0xff) {
        case split:
          for (let i = 1; i <= head >> 8; i++) {
            stack.push(this.#program[address + i]);
          }
          break;
        case assertion:
          if (this.#holds(head >> 8, at)) {
            stack.push(this.#program[address + 1]);
          }
          break;
        case match:
          if (this.matched < 0 || start < this.matched) this.matched = start;
      }
    }
  }

  /** Whether an assertion holds for certain. */
  #holds(kind: Assertion, at: number): boolean {
    const { text, first, next: after } = this.#around;
    const before = at > 0 ? text.charCodeAt(at - 1) : undefined;
    const atStart = before === undefined && first;
    if (kind === Assertion.StreamStart) return atStart;
    if (kind === Assertion.LineStart) return atStart || isLineEnd(before);
    const known = at < text.length ? text.charCodeAt(at) : after;
    if (known === "unknown") return false;
    const next = known === "end" ? undefined : known;
    switch (kind) {
      case Assertion.StreamEnd:
        return next === undefined;
      case Assertion.LineEnd:
        return next === undefined || isLineEnd(next);
      case Assertion.WordBoundary:
        return isWord(before) !== isWord(next);
      case Assertion.NotWordBoundary:
        return isWord(before) === isWord(next);
      case Assertion.UnicodeWordBoundary:
        return isFoldedWord(before) !== isFoldedWord(next);
      case Assertion.NotUnicodeWordBoundary:
        return isFoldedWord(before) === isFoldedWord(next);
    }
  }
}

function isLineEnd(unit: number | undefined): boolean {
  return unit !== undefined && has(lineTerminators, unit);
}

function isWord(unit: number | undefined): boolean {
  return unit !== undefined && has(words, unit);
}

function isFoldedWord(unit: number | undefined): boolean {
  return unit !== undefined && has(foldedWords, unit);
}
