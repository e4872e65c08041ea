import { ByteSet } from "./byte_set.ts";
import { byteSequences, bytesWithin, longestBytes } from "./bytes.ts";
import { frequencies } from "./frequencies.ts";
import { has } from "./characters.ts";
import { rateInSample } from "./sample.ts";
import type { Node } from "./syntax.ts";

/**
 * How many bytes may stand between the beginning of a match and a place in it.
 */
interface Extent {
  most: number;
  bytes: ByteSet;
}

/** A sequence of byte sets that is part of a match. */
interface Needle {
  sets: ByteSet[];
  /**
   * The index of the set that the scanner looks for first, with the three after
   * it.
   */
  window: number;
  before: Extent;
}

interface Choice {
  needles: Needle[];
  /** Roughly the cost of looking for them, for each byte of text. */
  cost: number;
}

const longestNeedle = 16;
const mostNeedles = 32;
const windowSize = 4;
// Above this cost, an automaton that reads every byte is faster.
const mostCost = 0.25;

const nowhere: Extent = { most: 0, bytes: new ByteSet() };

/**
 * Chooses the needles that a scanner looks for before it searches byte by byte,
 * in the format of `wasm/scanner/needles.ts`. Every match contains one of the
 * needles. Returns nothing if no needles are rare enough.
 */
export function needlesOf(
  node: Node,
  unicode: boolean,
): Uint32Array | undefined {
  const choice = best(node, nowhere, unicode);
  if (choice === undefined || choice.cost > mostCost) return undefined;
  return encode(choice.needles);
}

function best(
  node: Node,
  before: Extent,
  unicode: boolean,
): Choice | undefined {
  switch (node.type) {
    case "assertion":
      return undefined;
    case "characters":
      return best({ type: "sequence", nodes: [node] }, before, unicode);
    case "repeat":
      return node.min > 0
        ? best(
          node.node.type === "characters"
            ? { type: "sequence", nodes: [node] }
            : node.node,
          before,
          unicode,
        )
        : undefined;
    case "choice": {
      const ways = node.nodes.map((way) => best(way, before, unicode));
      if (!ways.every((way) => way !== undefined)) return undefined;
      const needles = ways.flatMap((way) => way.needles);
      if (needles.length > mostNeedles) return undefined;
      return {
        needles,
        cost: ways.reduce((sum, way) => sum + way.cost, 0),
      };
    }
    case "sequence":
      return bestOfSequence(node.nodes, before, unicode);
  }
}

function bestOfSequence(
  nodes: Node[],
  before: Extent,
  unicode: boolean,
): Choice | undefined {
  let found: Choice | undefined;
  const offer = (choice: Choice | undefined) => {
    if (choice && (!found || choice.cost < found.cost)) found = choice;
  };
  let run: ByteSet[] = [];
  let runBefore = before;
  const endRun = () => {
    if (run.length > 0) offer(oneNeedle(run, runBefore));
    run = [];
  };
  for (const node of nodes) {
    if (node.type === "assertion") continue;
    const repeated = node.type === "repeat" && node.min > 0 ? node.node : node;
    const sets = repeated.type === "characters"
      ? oneSequence(repeated, unicode)
      : undefined;
    if (sets === undefined) {
      endRun();
      if (repeated.type !== "characters") offer(best(node, before, unicode));
      before = extend(before, extentOf(node, unicode));
      continue;
    }
    if (run.length === 0) runBefore = before;
    const times = node.type === "repeat" ? node.min : 1;
    for (let i = 0; i < times && run.length < 4 * longestNeedle; i++) {
      run.push(...sets);
    }
    before = extend(before, extentOf(node, unicode));
    if (node.type === "repeat" && (node.max > node.min || node.min > 16)) {
      endRun();
    }
  }
  endRun();
  return found;
}

/**
 * The bytes that all characters of a set have in common, up to one range for
 * each byte.
 */
function oneSequence(
  node: Node & { type: "characters" },
  unicode: boolean,
): ByteSet[] | undefined {
  const sequences = byteSequences(node.set, unicode);
  if (sequences.length === 0) return undefined;
  const single = sequences.every((sequence) => sequence.length === 1);
  if (!single && sequences.length > 1) return undefined;
  // Before a line end there may be a carriage return, which does not count.
  if (has(node.set, 10)) return undefined;
  return sequences[0].map((_, position) => {
    const bytes = new ByteSet();
    for (const sequence of sequences) bytes.add(...sequence[position]);
    return bytes;
  });
}

function oneNeedle(run: ByteSet[], before: Extent): Choice | undefined {
  if (before.most === Infinity) {
    // The search goes back to the last byte that can't stand before the needle.
    // So each line must have such a byte.
    if (before.bytes.has(10) && before.bytes.has(32)) return undefined;
  } else if (before.most > 256) {
    return undefined;
  }
  let window = 0;
  let windowRate = Infinity;
  for (let at = 0; at === 0 || at + windowSize <= run.length; at++) {
    const sets = run.slice(at, at + windowSize);
    const rate = Math.max(rateOf(sets), rateInSample(sets));
    if (rate < windowRate) [window, windowRate] = [at, rate];
  }
  const first = Math.max(
    0,
    Math.min(window - 4, run.length - longestNeedle),
  );
  const sets = run.slice(first, first + longestNeedle);
  let skipped = before;
  for (const bytes of run.slice(0, first)) {
    skipped = extend(skipped, { most: 1, bytes });
  }
  const walked = before.most === Infinity ? 60 : skipped.most + sets.length;
  return {
    needles: [{ sets, window: window - first, before: skipped }],
    cost: 16 * windowRate + rateOf(sets) * walked,
  };
}

function rateOf(sets: ByteSet[]): number {
  return sets.reduce(
    (product, { words }) => product * Math.min(1, frequencyOf(words) / 1000),
    1,
  );
}

function frequencyOf(words: Uint32Array): number {
  let frequency = 0;
  for (let at = 0; at < words.length; at++) {
    for (let rest = words[at]; rest !== 0; rest &= rest - 1) {
      frequency += frequencies[at << 5 | 31 - Math.clz32(rest & -rest)];
    }
  }
  return frequency;
}

function extend(before: Extent, by: Extent): Extent {
  if (by.most === 0) return before;
  return {
    most: before.most + by.most,
    bytes: before.bytes.union(by.bytes),
  };
}

function extentOf(node: Node, unicode: boolean): Extent {
  switch (node.type) {
    case "assertion":
      return nowhere;
    case "characters":
      return {
        most: longestBytes(node.set, unicode),
        bytes: bytesWithin(node.set, unicode),
      };
    case "sequence":
      return node.nodes.map((part) => extentOf(part, unicode))
        .reduce(extend, nowhere);
    case "choice": {
      const ways = node.nodes.map((way) => extentOf(way, unicode));
      return {
        most: Math.max(...ways.map((way) => way.most)),
        bytes: ways.reduce((all, way) => all.union(way.bytes), nowhere.bytes),
      };
    }
    case "repeat": {
      const once = extentOf(node.node, unicode);
      return {
        most: once.most === 0 ? 0 : once.most * node.max,
        bytes: once.bytes,
      };
    }
  }
}

function encode(needles: Needle[]): Uint32Array {
  let before = 0;
  let through = nowhere.bytes;
  let unbounded = false;
  for (const needle of needles) {
    if (needle.before.most === Infinity) {
      unbounded = true;
      through = through.union(needle.before.bytes);
    } else {
      before = Math.max(before, needle.before.most);
    }
  }
  const words = [needles.length, before, Number(unbounded), ...through.words];
  for (const { sets, window } of needles) {
    const [first, second = first] = sets.map((set, at) => ({ set, at }))
      .sort((a, b) => rateOf([a.set]) - rateOf([b.set]))
      .map(({ at }) => at);
    words.push(
      sets.length,
      window,
      first | second << 16,
      ...sets.flatMap(({ words }) => [...words]),
    );
  }
  return Uint32Array.from(words);
}
