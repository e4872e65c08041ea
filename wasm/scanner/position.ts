// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// The threads of a list of patterns between two bytes. A step of the automaton
// takes one position and writes the next one; the caller owns both.

import { newVector, Vector, zeroed } from "./vector.ts";

@unmanaged
export class Position {
  /** The threads, as numbers of nodes, in ascending order. */
  threads: Vector;
  /** The patterns that match here … */
  matches: Vector;
  /**
   * … and those that matched before the last byte, which that byte has shown.
   */
  late: Vector;
  /**
   * The class of the character before, if a thread depends on it; otherwise 0.
   */
  context: u32;
  /** Whether the only threads are those that begin at every position. */
  onlyStarts: bool;

  release(): void {
    this.threads.release();
    this.matches.release();
    this.late.release();
    heap.free(changetype<usize>(this));
  }
}

export function newPosition(): Position {
  const position = changetype<Position>(zeroed(offsetof<Position>()));
  position.threads = newVector();
  position.matches = newVector();
  position.late = newVector();
  return position;
}
