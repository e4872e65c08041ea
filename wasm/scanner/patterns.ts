// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// The patterns of one stream, as a linked list in the order in which they were
// added.

import { newVector, Vector, zeroed } from "./vector.ts";
import {
  ANCHORED,
  nodeAddress,
  nodeCount,
  programFlags,
  startNode,
} from "./program.ts";

/**
 * A pattern of the list. Its nodes have the numbers from `base` on among all
 * nodes of the list.
 */
@unmanaged
export class Pattern {
  id: u32;
  program: usize;
  base: u32;
  next: Pattern | null;
  /** Whether it was added since the last byte: it has no threads yet. */
  fresh: bool;
  deleted: bool;
  /** Temporary memory of one step. */
  matched: bool;
  /** Its needles, see needles.ts; 0 if it has none. */
  needles: usize;

  @inline
  get count(): u32 {
    return nodeCount(this.program);
  }

  /** The number of the node at which its threads begin. */
  @inline
  get start(): u32 {
    return this.base + startNode(this.program);
  }

  @inline
  get anchored(): bool {
    return (programFlags(this.program) & ANCHORED) != 0;
  }

  release(): void {
    heap.free(this.program);
    if (this.needles != 0) heap.free(this.needles);
    heap.free(changetype<usize>(this));
  }
}

@unmanaged
export class PatternList {
  first: Pattern | null;
  last: Pattern | null;
  /** Whether patterns were added or deleted since `layOut`. */
  changed: bool;
  /** The address of each node, and its pattern. */
  nodes: Vector;
  owners: Vector;
  /** The union of the flags of all programs. */
  flags: u32;

  /**
   * Adds a pattern. The list owns the program and the needles (0 for none) from
   * now on.
   */
  add(id: u32, program: usize, needles: usize): void {
    const pattern = changetype<Pattern>(zeroed(offsetof<Pattern>()));
    pattern.id = id;
    pattern.program = program;
    pattern.needles = needles;
    pattern.fresh = true;
    const last = this.last;
    if (last === null) this.first = pattern;
    else last.next = pattern;
    this.last = pattern;
    this.changed = true;
  }

  delete(id: u32): void {
    let before: Pattern | null = null;
    let pattern = this.first;
    while (pattern !== null && pattern.id != id) {
      before = pattern;
      pattern = pattern.next;
    }
    if (pattern === null) return;
    // States may refer to a pattern with threads until the next byte. A pattern
    // without threads is freed at once, because any number of them may come and
    // go while a stream is silent.
    if (pattern.fresh) this.remove(before, pattern);
    else {
      pattern.deleted = true;
      this.changed = true;
    }
  }

  /** Frees the patterns that were deleted. */
  removeDeleted(): void {
    let before: Pattern | null = null;
    let pattern = this.first;
    while (pattern !== null) {
      const next = pattern.next;
      if (pattern.deleted) this.remove(before, pattern);
      else before = pattern;
      pattern = next;
    }
  }

  /** Frees the pattern that comes after `before`. */
  private remove(before: Pattern | null, pattern: Pattern): void {
    if (before === null) this.first = pattern.next;
    else before.next = pattern.next;
    if (pattern.next === null) this.last = before;
    pattern.release();
  }

  /** Numbers the nodes of all patterns again, in the order of the list. */
  layOut(): void {
    this.nodes.length = 0;
    this.owners.length = 0;
    this.flags = 0;
    let pattern = this.first;
    while (pattern !== null) {
      pattern.base = this.nodes.length;
      this.flags |= programFlags(pattern.program);
      const count = pattern.count;
      for (let node: u32 = 0; node < count; node++) {
        this.nodes.push(<u32> nodeAddress(pattern.program, node));
        this.owners.push(<u32> changetype<usize>(pattern));
      }
      pattern = pattern.next;
    }
    this.changed = false;
  }

  ownerOf(node: u32): Pattern {
    return changetype<Pattern>(<usize> this.owners.get(node));
  }

  release(): void {
    let pattern = this.first;
    while (pattern !== null) {
      const next = pattern.next;
      pattern.release();
      pattern = next;
    }
    this.nodes.release();
    this.owners.release();
    heap.free(changetype<usize>(this));
  }
}

export function newPatternList(): PatternList {
  const list = changetype<PatternList>(zeroed(offsetof<PatternList>()));
  list.nodes = newVector();
  list.owners = newVector();
  list.changed = true;
  return list;
}
