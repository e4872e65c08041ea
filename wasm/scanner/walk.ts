// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// Walks a text through the states of a set, byte by byte.

import { skipLoop } from "./loops.ts";
import { newPosition } from "./position.ts";
import { report, reportPosition } from "./report.ts";
import { PatternSet } from "./set.ts";
import { LOOPS, MATCHES, ROW, slot, stateOf, UNKNOWN } from "./states.ts";
import { makeTransition } from "./transitions.ts";

/** Walks from `at` to `end`. Returns the row at the end. */
export function walk(set: PatternSet, row: u32, at: usize, end: usize): u32 {
  const cache = set.cache;
  const classes = set.classes;
  while (at < end) {
    const byte = <u32> load<u8>(at);
    let next = load<u32>(slot(classes, row, byte));
    at++;
    if (<i32> next >= 0) {
      row = next;
      continue;
    }
    if (next == UNKNOWN) {
      const flushes = cache.flushes;
      next = makeTransition(set, row, byte);
      if (cache.flushes != flushes && thrashes(set, at)) {
        report(set, next & ROW, <u32> (at - set.text.start));
        return crawl(set, next & ROW, at, end);
      }
    }
    row = next & ROW;
    if ((next & MATCHES) != 0) report(set, row, <u32> (at - set.text.start));
    else if ((next & LOOPS) != 0) at = skipLoop(cache, row, at, end);
  }
  return row;
}

/** Whether the cache was full so soon that filling it again does not pay. */
export function thrashes(set: PatternSet, at: usize): bool {
  const offset = <isize> (at - set.text.start);
  const searched = offset - set.flushedAt;
  set.flushedAt = offset;
  return searched < 10 * <isize> set.cache.flushedStates;
}

/**
 * Like `walk`, but takes a step of the automaton for each byte, and caches
 * nothing.
 */
export function crawl(
  set: PatternSet,
  row: u32,
  at: usize,
  end: usize,
): u32 {
  const automaton = set.automaton;
  const start = set.text.start;
  let here = newPosition();
  let next = newPosition();
  stateOf(row).read(here);
  while (at < end) {
    const byte = load<u8>(at++);
    if (byte == 13 && set.skipReturns) continue;
    automaton.advance(here, byte, next);
    reportPosition(set, next, <u32> (at - start));
    const before = here;
    here = next;
    next = before;
  }
  row = set.cache.intern(here) & ROW;
  here.release();
  next.release();
  return row;
}
