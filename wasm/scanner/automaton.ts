// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// The subset construction: from a position and a byte to the next position.
// States (states.ts) cache its results. When the cache does not help, it runs
// for each byte.

import { newVector, Vector, zeroed } from "./vector.ts";
import { Pattern, PatternList } from "./patterns.ts";
import { Position } from "./position.ts";
import {
  ASSERTION,
  AT_END,
  contextAfter,
  contextBefore,
  holds,
  looksBehind,
  NEXT_KNOWN,
  RANGES,
  SPLIT,
} from "./program.ts";

// The results of a closure.
/** A thread reaches the end of its pattern. */
const MATCHED: u32 = 1;
/** The set has a new thread. */
const ADDED: u32 = 2;

/**
 * Makes steps over a list of patterns. Between two steps it holds nothing but
 * memory.
 */
@unmanaged
export class Automaton {
  private list: PatternList;
  // Sets of nodes, as bits, and how many words each has room for.
  private words: usize;
  private visited: usize;
  private current: usize;
  private following: usize;
  /** The nodes that a closure has still to visit. */
  private stack: Vector;

  take(list: PatternList): void {
    this.list = list;
    this.stack = newVector();
  }

  /** Allocates memory for the nodes of the list, which has changed. */
  makeRoom(): void {
    const needed = usedBytes(this.list) >> 3;
    if (needed <= this.words) return;
    this.freeSets();
    this.visited = zeroed(needed << 3);
    this.current = zeroed(needed << 3);
    this.following = zeroed(needed << 3);
    this.words = needed;
  }

  /**
   * Takes one byte: goes from a position to the next, and writes that to `to`.
   */
  advance(
    from: Position,
    byte: u32,
    to: Position,
  ): void {
    const list = this.list;
    const current = this.current;
    const following = this.following;
    const visited = this.visited;
    const nodes = list.nodes.address;
    this.settle(from, from.context | contextBefore(byte), to.late);
    clear(following, list);
    clear(visited, list);
    to.matches.length = 0;
    to.onlyStarts = true;
    const context = contextAfter(byte);
    let pattern = list.first;
    while (pattern !== null) {
      const base = pattern.base;
      const end = base + pattern.count;
      const anchored = pattern.anchored;
      if (!anchored) this.close(nodes, following, pattern.start, base, context);
      let found: u32 = 0;
      for (
        let node = nextOf(current, base, end);
        node < end;
        node = nextOf(current, node + 1, end)
      ) {
        const address = addressOf(nodes, node);
        const head = load<u32>(address);
        if ((head & 0xff) != RANGES) continue;
        for (let i: u32 = 0, ranges = head >> 8; i < ranges; i++) {
          const range = address + ((<usize> i) << 3);
          const bounds = load<u32>(range, 4);
          if (byte < (bounds & 0xff) || byte > bounds >> 8) continue;
          const target = base + load<u32>(range, 8);
          found |= this.close(nodes, following, target, base, context);
        }
      }
      if ((found & MATCHED) != 0) {
        // After a match the pattern starts anew, and its other threads end:
        // matches do not overlap.
        to.matches.push(<u32> changetype<usize>(pattern));
        drop(following, base, pattern.count);
        drop(visited, base, pattern.count);
        this.close(nodes, following, pattern.start, base, context);
        if (anchored) to.onlyStarts = false;
      } else if (found != 0) {
        to.onlyStarts = false;
      }
      pattern = pattern.next;
    }
    this.writeThreads(to, context);
  }

  /** Writes to `to` the threads that begin at every position, given `context`. */
  begin(context: u32, to: Position): void {
    const list = this.list;
    const following = this.following;
    const visited = this.visited;
    const nodes = list.nodes.address;
    clear(following, list);
    clear(visited, list);
    let pattern = list.first;
    while (pattern !== null) {
      if (!pattern.anchored) {
        this.close(nodes, following, pattern.start, pattern.base, context);
      }
      pattern = pattern.next;
    }
    to.matches.length = 0;
    to.late.length = 0;
    to.onlyStarts = true;
    this.writeThreads(to, context);
  }

  /**
   * Adds to a position, given `context`, the threads of the patterns that were
   * added since the last byte. Patterns that match the empty string there come
   * last among its matches.
   */
  beginFresh(
    context: u32,
    at: Position,
  ): void {
    const list = this.list;
    const following = this.following;
    const visited = this.visited;
    const nodes = list.nodes.address;
    clear(following, list);
    clear(visited, list);
    for (let i: u32 = 0; i < at.threads.length; i++) {
      put(following, at.threads.get(i));
    }
    let pattern = list.first;
    while (pattern !== null) {
      if (pattern.fresh) {
        pattern.fresh = false;
        const start = pattern.start;
        const found = this.close(
          nodes,
          following,
          start,
          pattern.base,
          context,
        );
        if ((found & MATCHED) != 0) {
          at.matches.push(<u32> changetype<usize>(pattern));
        }
      }
      pattern = pattern.next;
    }
    this.writeThreads(at, context);
  }

  /**
   * Lists in `late` the patterns that match at a position because the stream ends
   * there.
   */
  settleAtEnd(
    at: Position,
    context: u32,
    late: Vector,
  ): void {
    this.settle(at, context | NEXT_KNOWN | AT_END, late);
  }

  release(): void {
    this.freeSets();
    this.stack.release();
    heap.free(changetype<usize>(this));
  }

  /**
   * Begins in `current` with the threads of a position whose surroundings
   * `context` tells. It decides what depends on the next character: which threads
   * go on, and which patterns have matched here after all. It lists these
   * patterns in `late`, without those that had matched here already.
   */
  private settle(
    from: Position,
    context: u32,
    late: Vector,
  ): void {
    const list = this.list;
    const current = this.current;
    const visited = this.visited;
    const nodes = list.nodes.address;
    const threads = from.threads;
    clear(current, list);
    late.length = 0;
    let pending = false;
    for (let i: u32 = 0; i < threads.length; i++) {
      const node = threads.get(i);
      put(current, node);
      if ((load<u32>(addressOf(nodes, node)) & 0xff) == ASSERTION) {
        pending = true;
      }
    }
    if (!pending) return;
    clear(visited, list);
    for (let i: u32 = 0; i < threads.length; i++) {
      const node = threads.get(i);
      const address = addressOf(nodes, node);
      const head = load<u32>(address);
      if ((head & 0xff) != ASSERTION || !holds(head >> 8, context)) continue;
      const pattern = list.ownerOf(node);
      const base = pattern.base;
      const target = base + load<u32>(address, 4);
      const found = this.close(nodes, current, target, base, context);
      const owner = <u32> changetype<usize>(pattern);
      if (
        (found & MATCHED) != 0 && !pattern.matched &&
        !contains(from.matches, owner)
      ) {
        pattern.matched = true;
        late.push(owner);
      }
    }
    for (let i: u32 = 0; i < late.length; i++) {
      const pattern = changetype<Pattern>(<usize> late.get(i));
      pattern.matched = false;
      drop(current, pattern.base, pattern.count);
      drop(visited, pattern.base, pattern.count);
      this.close(nodes, current, pattern.start, pattern.base, context);
    }
  }

  /**
   * Puts into `set` every thread that a node leads to without a byte. Assertions
   * stay in the set if they depend on a character that is not known yet. `nodes`
   * are the addresses of the list's nodes; passing them saves loads. Returns
   * `MATCHED` and `ADDED` as bits.
   */
  private close(
    nodes: usize,
    set: usize,
    start: u32,
    base: u32,
    context: u32,
  ): u32 {
    const visited = this.visited;
    const stack = this.stack;
    if (has(visited, start)) return 0;
    let found: u32 = 0;
    let node = start;
    stack.length = 0;
    while (true) {
      put(visited, node);
      const address = addressOf(nodes, node);
      const head = load<u32>(address);
      switch (head & 0xff) {
        case RANGES:
          if (!has(set, node)) {
            put(set, node);
            found |= ADDED;
          }
          break;
        case SPLIT:
          // Pushes the last one first, so that visits are in the pattern's order.
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
            found |= ADDED;
          }
          break;
        }
        default:
          found |= MATCHED;
      }
      do {
        if (stack.length == 0) return found;
        node = stack.pop();
      } while (has(visited, node));
    }
  }

  /**
   * Writes `following` to a position, with the part of `context` that its threads
   * depend on.
   */
  private writeThreads(to: Position, context: u32): void {
    const list = this.list;
    const following = this.following;
    const nodes = list.nodes.address;
    const threads = to.threads;
    const end = list.nodes.length;
    let asked: u32 = 0;
    threads.length = 0;
    for (
      let node = nextOf(following, 0, end);
      node < end;
      node = nextOf(following, node + 1, end)
    ) {
      threads.push(node);
      if ((load<u32>(addressOf(nodes, node)) & 0xff) == ASSERTION) {
        asked = context;
      }
    }
    to.context = asked;
  }

  private freeSets(): void {
    if (this.words == 0) return;
    heap.free(this.visited);
    heap.free(this.current);
    heap.free(this.following);
  }
}

export function newAutomaton(list: PatternList): Automaton {
  const automaton = changetype<Automaton>(zeroed(offsetof<Automaton>()));
  automaton.take(list);
  return automaton;
}

function usedBytes(list: PatternList): usize {
  return ((<usize> list.nodes.length + 63) >> 6) << 3;
}

/**
 * Empties a set. Most sets are so small that a loop is faster than
 * `memory.fill`.
 */
function clear(set: usize, list: PatternList): void {
  const end = set + usedBytes(list);
  for (let at = set; at < end; at += 8) store<u64>(at, 0);
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

function addressOf(nodes: usize, node: u32): usize {
  return <usize> load<u32>(nodes + ((<usize> node) << 2));
}

function contains(list: Vector, value: u32): bool {
  for (let i: u32 = 0; i < list.length; i++) {
    if (list.get(i) == value) return true;
  }
  return false;
}
