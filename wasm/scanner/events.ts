// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// The matches of a search: each has a pattern's id and a text offset, in the
// order of the offsets. At the end of a piece, the text offsets become raw
// offsets.

import { newVector, Vector } from "./vector.ts";
import { rawOffset, rewindMarks } from "./text.ts";

let list: Vector = newVector();
const first: Vector = list;
const others: StaticArray<Vector> = [newVector(), newVector(), newVector()];

export function emit(id: u32, offset: u32): void {
  list.push(id);
  list.push(offset);
}

/**
 * Begins separate lists for the four parts of a text that are searched side by
 * side.
 */
export function choosePart(part: u32): void {
  list = part == 0 ? first : unchecked(others[part - 1]);
}

/** Joins the lists of the parts. */
export function joinParts(): void {
  list = first;
  for (let part = 0; part < 3; part++) {
    const other = unchecked(others[part]);
    for (let i: u32 = 0; i < other.length; i++) first.push(other.get(i));
    other.clear(4096);
  }
}

export function clearEvents(): void {
  first.clear(65536);
}

/** Offset 0 is the end of the last visible character before the piece. */
export function makeRaw(visibleEnd: i32): void {
  rewindMarks();
  for (let i: u32 = 1; i < first.length; i += 2) {
    const offset = first.get(i);
    first.set(i, offset == 0 ? <u32> visibleEnd : <u32> rawOffset(offset));
  }
}

export function eventCount(): u32 {
  return first.length >> 1;
}

export function eventAddress(): usize {
  return first.address;
}
