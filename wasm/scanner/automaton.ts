// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// The subset construction: from a set of threads and a byte to the next set.
// States (dfa.ts) remember what comes out of it; when they can't, it runs for
// every byte.

import { newVector, Vector, zeroed } from "./vector.ts";
import {
  ANCHORED,
  ASSERTION,
  AT_END,
  contextAfter,
  contextBefore,
  holds,
  looksBehind,
  NEXT_KNOWN,
  nodeAddress,
  nodeCount,
  programFlags,
  RANGES,
  SPLIT,
  startNode,
} from "./program.ts";

/** One wanted pattern. Its nodes are numbered from `base` on among all of the set's. */
@unmanaged
export class Pattern {
  id: u32;
  program: usize;
  base: u32;
  next: Pattern | null;
  /** Added since the last byte: has no threads yet. */
  fresh: bool;
  deleted: bool;
  /** Scratch of one step. */
  matched: bool;
  /** What the prefilter knows of it, see needles.ts; 0 if nothing. */
  needles: usize;

  @inline
  get count(): u32 {
    return nodeCount(this.program);
  }

  @inline
  get anchored(): bool {
    return (programFlags(this.program) & ANCHORED) != 0;
  }
}

// Where each node of the set that is being searched is, and whose it is.
let nodes: Vector = newVector();
export let owners: Vector = newVector();

// Sets of nodes, as bits.
let words: usize = 0;
let visited: usize = 0;
let current: usize = 0;
/** The threads after a step. */
export let following: usize = 0;

const stack: Vector = newVector();

/** Patterns that matched after the byte, and those that turned out to have matched before it. */
export const matchedNow: Vector = newVector();
export const matchedBefore: Vector = newVector();
/** Whether a step left nothing but threads that begin anyway. */
export let onlyStarts: bool = false;
/** What is known before the position after a step. */
export let contextNow: u32 = 0;

/** Takes the layout of a set's nodes for the steps to come. */
export function useNodes(addresses: Vector, patterns: Vector): void {
  nodes = addresses;
  owners = patterns;
}

/** Lays out the patterns' nodes anew. */
export function layOut(first: Pattern | null): void {
  nodes.length = 0;
  owners.length = 0;
  let pattern = first;
  while (pattern !== null) {
    pattern.base = nodes.length;
    const count = pattern.count;
    for (let node: u32 = 0; node < count; node++) {
      nodes.push(<u32> nodeAddress(pattern.program, node));
      owners.push(<u32> changetype<usize>(pattern));
    }
    pattern = pattern.next;
  }
  const needed = (<usize> nodes.length + 63) >> 6;
  if (needed > words) {
    if (words != 0) {
      heap.free(visited);
      heap.free(current);
      heap.free(following);
    }
    visited = zeroed(needed << 3);
    current = zeroed(needed << 3);
    following = zeroed(needed << 3);
  }
  words = max(words, needed);
}

function usedBytes(): usize {
  return ((<usize> nodes.length + 63) >> 6) << 3;
}

function has(set: usize, node: u32): bool {
  return (load<u8>(set + (node >> 3)) & (1 << (node & 7))) != 0;
}

function put(set: usize, node: u32): void {
  const at = set + (node >> 3);
  store<u8>(at, load<u8>(at) | (<u8> 1 << <u8> (node & 7)));
}

function drop(set: usize, from: u32, count: u32): void {
  const end = from + count;
  let node = from;
  while (node < end) {
    if ((node & 7) == 0 && node + 8 <= end) {
      store<u8>(set + (node >> 3), 0);
      node += 8;
    } else {
      const at = set + (node >> 3);
      store<u8>(at, load<u8>(at) & ~(<u8> 1 << <u8> (node & 7)));
      node++;
    }
  }
}

/** The first node of a set at or after `from`, or `end`. */

function nextOf(set: usize, from: u32, end: u32): u32 {
  let node = from;
  while (node < end) {
    const bits = load<u64>(set + ((node >> 6) << 3)) >> (node & 63);
    if (bits != 0) return min(node + <u32> ctz(bits), end);
    node = (node | 63) + 1;
  }
  return end;
}

// What the last closure came upon.
let closureMatched: bool = false;
let closureAdded: bool = false;

/**
 * Puts into `set` every thread that is reached from a node without taking a
 * byte. Assertions that ask for what is not known yet stay in the set.
 */
function close(set: usize, start: u32, base: u32, context: u32): void {
  stack.length = 0;
  stack.push(start);
  while (stack.length > 0) {
    const node = stack.pop();
    if (has(visited, node)) continue;
    put(visited, node);
    const address = <usize> nodes.get(node);
    const head = load<u32>(address);
    switch (head & 0xff) {
      case RANGES:
        if (!has(set, node)) {
          put(set, node);
          closureAdded = true;
        }
        break;
      case SPLIT:
        // Last first, so that a pattern's own order is the order of visits.
        for (let i = head >> 8; i > 0; i--) {
          stack.push(base + load<u32>(address + ((<usize> i) << 2)));
        }
        break;
      case ASSERTION: {
        const assertion = head >> 8;
        if (looksBehind(assertion) || (context & NEXT_KNOWN) != 0) {
          if (holds(assertion, context)) {
            stack.push(base + load<u32>(address, 4));
          }
        } else if (!has(set, node)) {
          put(set, node);
          closureAdded = true;
        }
        break;
      }
      default:
        closureMatched = true;
    }
  }
}

function contains(list: usize, count: u32, value: u32): bool {
  for (let i: u32 = 0; i < count; i++) {
    if (load<u32>(list + ((<usize> i) << 2)) == value) return true;
  }
  return false;
}

/**
 * Begins with the threads of `items`, at a position of which `context` is
 * known, and settles what could not be known before the next character: which
 * threads go on, and which patterns have matched here after all. Patterns
 * that matched here already (`done`) do not do so twice.
 */
export function settle(
  items: usize,
  count: u32,
  done: usize,
  doneCount: u32,
  context: u32,
): void {
  memory.fill(current, 0, usedBytes());
  matchedBefore.length = 0;
  let pending = false;
  for (let i: u32 = 0; i < count; i++) {
    const node = load<u32>(items + ((<usize> i) << 2));
    put(current, node);
    if ((load<u32>(nodes.get(node)) & 0xff) == ASSERTION) pending = true;
  }
  if (!pending) return;
  memory.fill(visited, 0, usedBytes());
  for (let i: u32 = 0; i < count; i++) {
    const node = load<u32>(items + ((<usize> i) << 2));
    const address = <usize> nodes.get(node);
    const head = load<u32>(address);
    if ((head & 0xff) != ASSERTION || !holds(head >> 8, context)) continue;
    const owner = owners.get(node);
    const pattern = changetype<Pattern>(<usize> owner);
    closureMatched = false;
    close(
      current,
      pattern.base + load<u32>(address, 4),
      pattern.base,
      context,
    );
    if (
      closureMatched && !pattern.matched && !contains(done, doneCount, owner)
    ) {
      pattern.matched = true;
      matchedBefore.push(owner);
    }
  }
  for (let i: u32 = 0; i < matchedBefore.length; i++) {
    const pattern = changetype<Pattern>(<usize> matchedBefore.get(i));
    pattern.matched = false;
    drop(current, pattern.base, pattern.count);
    drop(visited, pattern.base, pattern.count);
    close(
      current,
      pattern.base + startNode(pattern.program),
      pattern.base,
      context,
    );
  }
}

/** One byte on. The result is in `following`, `matchedNow`, `matchedBefore`, `onlyStarts` and `contextNow`. */
export function advance(
  first: Pattern | null,
  items: usize,
  count: u32,
  done: usize,
  doneCount: u32,
  context: u32,
  byte: u32,
): void {
  settle(items, count, done, doneCount, context | contextBefore(byte));
  memory.fill(following, 0, usedBytes());
  memory.fill(visited, 0, usedBytes());
  matchedNow.length = 0;
  onlyStarts = true;
  contextNow = contextAfter(byte);
  let pattern = first;
  while (pattern !== null) {
    const base = pattern.base;
    const end = base + pattern.count;
    const start = base + startNode(pattern.program);
    const anchored = pattern.anchored;
    if (!anchored) close(following, start, base, contextNow);
    closureMatched = false;
    closureAdded = false;
    for (
      let node = nextOf(current, base, end);
      node < end;
      node = nextOf(current, node + 1, end)
    ) {
      const address = <usize> nodes.get(node);
      const head = load<u32>(address);
      if ((head & 0xff) != RANGES) continue;
      for (let i: u32 = 0, ranges = head >> 8; i < ranges; i++) {
        const range = address + ((<usize> i) << 3);
        const bounds = load<u32>(range, 4);
        if (byte < (bounds & 0xff) || byte > bounds >> 8) continue;
        close(following, base + load<u32>(range, 8), base, contextNow);
      }
    }
    if (closureMatched) {
      // From here on the pattern begins anew, wherever else it might have
      // gone: matches don't overlap.
      matchedNow.push(<u32> changetype<usize>(pattern));
      drop(following, base, pattern.count);
      drop(visited, base, pattern.count);
      close(following, start, base, contextNow);
      if (anchored) onlyStarts = false;
    } else if (closureAdded) {
      onlyStarts = false;
    }
    pattern = pattern.next;
  }
}

/** Only the threads that begin at a position of which `context` is known. */
export function begin(first: Pattern | null, context: u32): void {
  memory.fill(following, 0, usedBytes());
  memory.fill(visited, 0, usedBytes());
  matchedNow.length = 0;
  matchedBefore.length = 0;
  contextNow = context;
  let pattern = first;
  while (pattern !== null) {
    if (!pattern.anchored) {
      close(
        following,
        pattern.base + startNode(pattern.program),
        pattern.base,
        context,
      );
    }
    pattern = pattern.next;
  }
}

/** Adds threads of a pattern to `following`, as they were before the nodes were laid out anew. */
export function restore(node: u32): void {
  put(following, node);
}

/** Begins a pattern that has just been added; says whether it matches the empty string here. */
export function beginOne(pattern: Pattern, context: u32): bool {
  closureMatched = false;
  drop(visited, pattern.base, pattern.count);
  close(
    following,
    pattern.base + startNode(pattern.program),
    pattern.base,
    context,
  );
  return closureMatched;
}

/** The end of the stream: `matchedBefore` are the patterns that match there. */
export function settleAtEnd(
  items: usize,
  count: u32,
  done: usize,
  doneCount: u32,
  context: u32,
): void {
  settle(items, count, done, doneCount, context | NEXT_KNOWN | AT_END);
}

/** Writes `following` as a list, in ascending order; says whether it waits for the next character. */
export function listFollowing(list: Vector): bool {
  list.length = 0;
  let pending = false;
  const end = nodes.length;
  for (
    let node = nextOf(following, 0, end);
    node < end;
    node = nextOf(following, node + 1, end)
  ) {
    list.push(node);
    if ((load<u32>(nodes.get(node)) & 0xff) == ASSERTION) pending = true;
  }
  return pending;
}
