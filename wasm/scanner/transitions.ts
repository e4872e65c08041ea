// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// The transitions between states. A step of the automaton finds each one when a
// text first needs it.

import { countLoop, prepareSkip } from "./loops.ts";
import { PatternSet } from "./set.ts";
import { slot, stateOf, UNKNOWN } from "./states.ts";

/**
 * Finds where a byte leads from a row by a step, and stores it. Afterwards the
 * rows that are not pinned may be gone: `flushes` of the cache tells.
 */
export function makeTransition(set: PatternSet, row: u32, byte: u32): u32 {
  if (byte == 13 && set.skipReturns) {
    store<u32>(slot(set.classes, row, byte), row);
    return row;
  }
  const cache = set.cache;
  const from = set.from;
  const to = set.to;
  stateOf(row).read(from);
  set.automaton.advance(from, byte, to);
  if (cache.isFull()) {
    cache.flush();
    return cache.intern(to);
  }
  const next = cache.intern(to);
  store<u32>(slot(set.classes, row, byte), next);
  // If line ends leave the loop anyway, four lanes are as fast as skips.
  if (next == row && set.crossesLines && countLoop(set.classes, row, byte)) {
    complete(set, row);
  }
  return next;
}

/** Makes the other transitions of a row: skips need all of them. */
function complete(set: PatternSet, row: u32): void {
  const cache = set.cache;
  for (let byte: u32 = 0; byte < 256; byte++) {
    // The next transition would empty the cache, and drop the row.
    if (cache.isFull()) return;
    if (load<u32>(slot(set.classes, row, byte)) == UNKNOWN) {
      makeTransition(set, row, byte);
    }
  }
  prepareSkip(cache, set.classes, row);
}
