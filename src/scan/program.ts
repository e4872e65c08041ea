import { anyCharacter, byteSequences } from "./bytes.ts";
import { type Characters, has } from "./characters.ts";
import { needlesOf } from "./needle.ts";
import { flatten, shortest, trimStart } from "./simplify.ts";
import { type Assertion, type Node, NotRegular, parse } from "./syntax.ts";

// The format of a program is that of wasm/scanner/program.ts.
export const ranges = 0;
export const split = 1;
export const assertion = 2;
export const match = 3;
const anchored = 1;
export const crossesLines = 2;

// An automaton of more nodes is slower than V8.
const mostNodes = 20_000;

/** A pattern as the scanner runs it. */
export interface Program {
  /** The automaton, as `wasm/scanner/program.ts` reads it. */
  words: Uint32Array;
  /**
   * The needles that every match contains, in the format of
   * `wasm/scanner/needles.ts`, if there are any.
   */
  needles: Uint32Array | undefined;
}

/**
 * Compiles a pattern into an automaton over bytes.
 *
 * @throws {NotRegular} If no automaton of at most the largest size can match it
 */
export function compile(pattern: RegExp): Program {
  const unicode = pattern.unicode || pattern.unicodeSets;
  const parsed = flatten(parse(pattern));
  const node = pattern.sticky ? parsed : trimStart(parsed);
  const builder = new Builder(unicode);
  const accept = builder.put([match]);
  let start = builder.build(node, accept);
  let flags = pattern.sticky ? anchored | crossesLines : 0;
  if (builder.takesNewline) flags |= crossesLines;
  if (!pattern.sticky && shortest(node) === 0) {
    // Such a pattern may match between characters. Its threads must begin
    // there, and not between the bytes of a character.
    flags |= anchored;
    start = builder.loopBefore(start);
  }
  return {
    words: builder.finish(start, flags),
    needles: (flags & anchored) === 0 ? needlesOf(node, unicode) : undefined,
  };
}

/**
 * Compiles a pattern into an automaton that is at its start node only where a
 * match starts, to find that place.
 *
 * @throws {NotRegular} If no automaton of a bearable size can match it
 */
export function compileWhole(pattern: RegExp): Uint32Array {
  const builder = new Builder(pattern.unicode || pattern.unicodeSets);
  const node = flatten(parse(pattern));
  const start = builder.build(node, builder.put([match]));
  return builder.finish(start, builder.takesNewline ? crossesLines : 0);
}

class Builder {
  readonly #unicode: boolean;
  readonly #nodes: number[][] = [];
  readonly #known = new Map<string, number>();
  #count = 0;
  takesNewline = false;

  constructor(unicode: boolean) {
    this.#unicode = unicode;
  }

  /** Adds a node, or returns an equal one. */
  put(words: number[]): number {
    const key = words.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const id = this.#reserve();
    this.#nodes[id] = words;
    this.#known.set(key, id);
    return id;
  }

  /** Adds nodes that match `node` and continue at `next`. */
  build(node: Node, next: number): number {
    switch (node.type) {
      case "characters":
        if (has(node.set, 10)) this.takesNewline = true;
        return this.#characters(node.set, next);
      case "sequence":
        return node.nodes.reduceRight((to, part) => this.build(part, to), next);
      case "choice":
        return this.#split(node.nodes.map((way) => this.build(way, next)));
      case "assertion":
        return this.put([assertion | (node.assertion as Assertion) << 8, next]);
      case "repeat":
        return this.#repeat(node.node, node.min, node.max, next);
    }
  }

  /** Puts any number of characters before a node. */
  loopBefore(start: number): number {
    const loop = this.#reserve();
    this.#nodes[loop] = [
      split | 2 << 8,
      start,
      this.#characters(anyCharacter(this.#unicode), loop),
    ];
    return loop;
  }

  finish(start: number, flags: number): Uint32Array<ArrayBuffer> {
    const head = 3 + this.#nodes.length;
    const words = new Uint32Array(head + this.#count + this.#words());
    words.set([this.#nodes.length, start, flags]);
    let at = head;
    this.#nodes.forEach((node, id) => {
      words[3 + id] = at;
      words.set(node, at);
      at += node.length;
    });
    return words.slice(0, at);
  }

  #words(): number {
    return this.#nodes.reduce((sum, node) => sum + node.length, 0);
  }

  #reserve(): number {
    if (++this.#count > mostNodes) {
      throw new NotRegular(
        `Expected an automaton of at most ${mostNodes} nodes`,
      );
    }
    return this.#nodes.push([]) - 1;
  }

  #split(ways: number[]): number {
    const different = [...new Set(ways)];
    return different.length === 1
      ? different[0]
      : this.put([split | different.length << 8, ...different]);
  }

  #repeat(node: Node, min: number, max: number, next: number): number {
    let start = next;
    if (max === Infinity) {
      start = this.#reserve();
      this.#nodes[start] = [
        split | 2 << 8,
        this.build(node, start),
        next,
      ];
    } else {
      for (let i = min; i < max; i++) {
        start = this.#split([this.build(node, start), next]);
      }
    }
    for (let i = 0; i < min; i++) {
      const before = start;
      start = this.build(node, start);
      // Any repetition of the empty string is the empty string.
      if (start === before) break;
    }
    return start;
  }

  #characters(set: Characters, next: number): number {
    const root: Branch = { ranges: [], next };
    for (const sequence of byteSequences(set, this.#unicode)) {
      let branch = root;
      sequence.forEach(([low, high], i) => {
        const last = branch.ranges.at(-1);
        if (last && last.low === low && last.high === high) {
          branch = last.to;
        } else {
          const to = { ranges: [], next };
          branch.ranges.push({ low, high, to, end: i === sequence.length - 1 });
          branch = to;
        }
      });
    }
    return this.#branch(root, next);
  }

  #branch(branch: Branch, next: number): number {
    const words: number[] = [];
    for (const { low, high, to, end } of branch.ranges) {
      words.push(low | high << 8, end ? next : this.#branch(to, next));
    }
    return this.put([ranges | branch.ranges.length << 8, ...words]);
  }
}

interface Branch {
  ranges: { low: number; high: number; to: Branch; end: boolean }[];
  next: number;
}
