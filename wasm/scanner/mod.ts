// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// What TypeScript calls. Addresses are handles; src/scan/wasm.ts keeps them.

import {
  addPattern as addTo,
  deletePattern as deleteFrom,
  freeSet as free,
  newSet as create,
  PatternSet,
} from "./dfa.ts";
import { clearEvents, eventAddress, eventCount, makeRaw } from "./events.ts";
import { search, searchEnd } from "./search.ts";
import { input, leftOver, makeText, rawOffset, textLength } from "./text.ts";

export { eventAddress };

export function inputAddress(): usize {
  return input;
}

export function allocate(size: usize): usize {
  return heap.alloc(size);
}

export function release(address: usize): void {
  heap.free(address);
}

/** A set of patterns; with `skipReturns` not 0, `\r` is invisible to them. */
export function newSet(skipReturns: u32): usize {
  return changetype<usize>(create(skipReturns != 0));
}

export function freeSet(set: usize): void {
  free(changetype<PatternSet>(set));
}

/** The program and the needles (0 for none) belong to the set from here on. */
export function addPattern(
  set: usize,
  id: u32,
  program: usize,
  needles: usize,
): void {
  addTo(changetype<PatternSet>(set), id, program, needles);
}

export function deletePattern(set: usize, id: u32): void {
  deleteFrom(changetype<PatternSet>(set), id);
}

/**
 * Searches the piece of `length` bytes at the input address; with `final` not
 * 0, the stream ends with it. Returns how many matches there are.
 */
export function scan(address: usize, length: usize, final: u32): u32 {
  const set = changetype<PatternSet>(address);
  clearEvents();
  const left = makeText(
    length,
    set.carry,
    set.carried,
    set.skipReturns,
    final != 0,
  );
  search(set);
  if (final != 0) searchEnd(set);
  makeRaw(set.visibleEnd);
  set.visibleEnd = (textLength == 0 ? set.visibleEnd : rawOffset(textLength)) -
    <i32> length;
  set.carry = leftOver(length, left);
  set.carried = left;
  return eventCount();
}
