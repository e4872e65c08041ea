// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// Searches a text with a set: from needle to needle if there are needles,
// otherwise byte by byte.

import { hasLanes, walkLanes } from "./lanes.ts";
import { skipLoop } from "./loops.ts";
import { Prefilter } from "./needles.ts";
import { contextAfter } from "./program.ts";
import { report, reportAtEnd } from "./report.ts";
import { PatternSet } from "./set.ts";
import { LOOPS, MATCHES, ROW, slot, UNKNOWN } from "./states.ts";
import { makeTransition } from "./transitions.ts";
import { crawl, thrashes, walk } from "./walk.ts";

/** Searches the text of the set. */
export function search(set: PatternSet): void {
  set.bringUpToDate();
  const length = set.text.length;
  if (length == 0) return;
  const at = set.text.start;
  const end = at + length;
  if (set.patterns.first !== null) {
    const prefilter = set.prefilter;
    set.cache.pinned.length = 0;
    if (prefilter !== null && set.pause == 0) {
      set.row = hop(set, prefilter, set.row, at, end);
    } else {
      set.row = hasLanes(set, at, end)
        ? walkLanes(set, set.row, at, end)
        : walk(set, set.row, at, end);
    }
    set.pause -= min(set.pause, length);
    set.flushedAt -= <isize> length;
  }
  set.context = contextAfter(load<u8>(end - 1));
}

/** Finds the matches at the end of the stream. */
export function searchEnd(set: PatternSet): void {
  set.bringUpToDate();
  reportAtEnd(set, <u32> set.text.length);
}

/** Where a walk stopped: the row and, in the upper half, the address. */
type Stop = u64;

function stop(row: u32, at: usize): Stop {
  return <u64> row | <u64> at << 32;
}

function rowOf(stop: Stop): u32 {
  return <u32> stop;
}

function addressOf(stop: Stop): usize {
  return <usize> (stop >> 32);
}

/** Like `walk`, but stops beyond `mark` as soon as no match is under way. */
function walkToStart(
  set: PatternSet,
  row: u32,
  at: usize,
  end: usize,
  mark: usize,
): Stop {
  const cache = set.cache;
  const classes = set.classes;
  while (at < end) {
    const byte = <u32> load<u8>(at);
    let next = load<u32>(slot(classes, row, byte));
    at++;
    if (<i32> next < 0) {
      if (next == UNKNOWN) {
        const flushes = cache.flushes;
        next = makeTransition(set, row, byte);
        if (cache.flushes != flushes) {
          // The rows have moved, also those of starts.
          row = next & ROW;
          report(set, row, <u32> (at - set.text.start));
          row = thrashes(set, at)
            ? crawl(set, row, at, end)
            : walk(set, row, at, end);
          return stop(row, end);
        }
      }
      if ((next & MATCHES) != 0) {
        report(set, next & ROW, <u32> (at - set.text.start));
      } else if ((next & LOOPS) != 0) {
        at = skipLoop(cache, next & ROW, at, end);
      }
      next &= ROW;
    }
    row = next;
    if (at > mark && cache.isStart(row)) break;
  }
  return stop(row, at);
}

/** Searches from needle to needle. Returns the row at the end. */
function hop(
  set: PatternSet,
  prefilter: Prefilter,
  row: u32,
  from: usize,
  end: usize,
): u32 {
  let at = from;
  let walked: usize = 0;
  let stops: usize = 0;
  const comparedBefore = prefilter.compared;
  if (!set.cache.isStart(row)) {
    const stopped = walkToStart(set, row, at, end, at);
    row = rowOf(stopped);
    at = addressOf(stopped);
    walked += at - from;
  }
  while (at < end) {
    const needle = prefilter.find(at, end);
    // At the end of the text there may be the beginning of a long needle, even
    // before a short needle that is complete.
    const mark = min(
      needle - min(needle - at, prefilter.lead),
      end - min<usize>(end - at, prefilter.longest),
    );
    let restart = prefilter.restart(at, mark);
    if (set.skipReturns) {
      while (restart > at && load<u8>(restart - 1) == 13) restart--;
    }
    if (restart > at) {
      row = set.startRow(contextAfter(load<u8>(restart - 1)));
      at = restart;
    }
    if (needle < end) {
      stops++;
      const stopped = walkToStart(set, row, at, end, needle);
      row = rowOf(stopped);
      walked += addressOf(stopped) - at;
      at = addressOf(stopped);
    } else {
      row = walk(set, row, at, end);
      break;
    }
  }
  weigh(
    set,
    walked + stops * STOP + (prefilter.compared - comparedBefore) * COMPARISON,
    from,
    end,
  );
  return row;
}

// The costs of comparing a needle and of stopping at one, in bytes that a walk
// would take in this time.
const COMPARISON: usize = 8;
const STOP: usize = 16;

/**
 * Turns the prefilter off for a while if it was not faster, each time for
 * longer.
 */
function weigh(
  set: PatternSet,
  cost: usize,
  from: usize,
  end: usize,
): void {
  const length = end - from;
  if (length < 1024) return;
  const worth = hasLanes(set, from, end) ? length * 3 >> 3 : length * 3 >> 2;
  if (cost < worth) {
    set.nextPause = 0;
    return;
  }
  set.nextPause = min<usize>(max<usize>(set.nextPause << 1, 131072), 8388608);
  set.pause = set.nextPause;
}
