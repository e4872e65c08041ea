// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// A text through the states of a set.

import { newVector, Vector } from "./vector.ts";
import {
  advance,
  contextNow,
  listFollowing,
  matchedBefore,
  matchedNow,
  Pattern,
} from "./automaton.ts";
import {
  internStep,
  isStart,
  LOOPS,
  makeTransition,
  MATCHES,
  PatternSet,
  pinned,
  report,
  reportAtEnd,
  ROW,
  slot,
  startRow,
  stateOf,
  UNKNOWN,
  use,
  visible,
} from "./dfa.ts";
import { emit } from "./events.ts";
import { hasLanes, walkLanes } from "./lanes.ts";
import { skipLoop } from "./loops.ts";
import { compared, Prefilter } from "./needles.ts";
import { contextAfter } from "./program.ts";
import { textLength, textStart } from "./text.ts";

/** Searches the text that was made last. */
export function search(set: PatternSet): void {
  use(set);
  const length = textLength;
  if (length == 0) return;
  const at = textStart;
  const end = at + length;
  if (set.first !== null) {
    const prefilter = set.prefilter;
    pinned.length = 0;
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

/** Searches where the stream ends. */
export function searchEnd(set: PatternSet): void {
  use(set);
  reportAtEnd(set, <u32> textLength);
}

/** Byte by byte; returns the row at the end. */
export function walk(set: PatternSet, row: u32, at: usize, end: usize): u32 {
  while (at < end) {
    const byte = <u32> load<u8>(at);
    let next = load<u32>(slot(row, byte));
    at++;
    if (<i32> next >= 0) {
      row = next;
      continue;
    }
    if (next == UNKNOWN) {
      const flushes = set.flushes;
      next = makeTransition(set, row, byte);
      if (set.flushes != flushes && thrashes(set, at)) {
        report(set, next & ROW, <u32> (at - textStart));
        return crawl(set, next & ROW, at, end);
      }
    }
    row = next & ROW;
    if ((next & MATCHES) != 0) report(set, row, <u32> (at - textStart));
    else if ((next & LOOPS) != 0) at = skipLoop(set, row, at, end);
  }
  return row;
}

let stoppedAt: usize = 0;

/** Like `walk`, but stops, in `stoppedAt`, where nothing is under way any more beyond `mark`. */
function walkToStart(
  set: PatternSet,
  row: u32,
  at: usize,
  end: usize,
  mark: usize,
): u32 {
  while (at < end) {
    const byte = <u32> load<u8>(at);
    let next = load<u32>(slot(row, byte));
    at++;
    if (<i32> next < 0) {
      if (next == UNKNOWN) {
        const flushes = set.flushes;
        next = makeTransition(set, row, byte);
        if (set.flushes != flushes) {
          // Rows have moved, those of starts among them.
          row = next & ROW;
          report(set, row, <u32> (at - textStart));
          stoppedAt = end;
          return thrashes(set, at)
            ? crawl(set, row, at, end)
            : walk(set, row, at, end);
        }
      }
      if ((next & MATCHES) != 0) {
        report(set, next & ROW, <u32> (at - textStart));
      } else if ((next & LOOPS) != 0) {
        at = skipLoop(set, next & ROW, at, end);
      }
      next &= ROW;
    }
    row = next;
    if (at > mark && isStart(set, row)) break;
  }
  stoppedAt = at;
  return row;
}

/** From needle to needle; returns the row at the end. */
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
  const comparedBefore = compared;
  if (!isStart(set, row)) {
    row = walkToStart(set, row, at, end, at);
    walked += stoppedAt - at;
    at = stoppedAt;
  }
  while (at < end) {
    const needle = prefilter.find(at, end);
    // At the end, a longer needle of which there is only the beginning may be
    // under way, also before a short one that is there as a whole.
    const mark = min(
      needle - min(needle - at, prefilter.lead),
      end - min<usize>(end - at, prefilter.longest),
    );
    let restart = prefilter.restart(at, mark);
    if (set.skipReturns) {
      while (restart > at && load<u8>(restart - 1) == 13) restart--;
    }
    if (restart > at) {
      row = startRow(set, contextAfter(load<u8>(restart - 1)));
      at = restart;
    }
    if (needle < end) {
      stops++;
      row = walkToStart(set, row, at, end, needle);
      walked += stoppedAt - at;
      at = stoppedAt;
    } else {
      row = walk(set, row, at, end);
      break;
    }
  }
  weigh(
    set,
    walked + stops * STOP + (compared - comparedBefore) * COMPARISON,
    from,
    end,
  );
  return row;
}

// What it costs to compare a needle and to stop at one, in bytes that could be
// walked meanwhile.
const COMPARISON: usize = 8;
const STOP: usize = 16;

/** Does without the prefilter for a while, and longer each time, if it was no faster. */
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

/** Whether the cache was emptied so soon that it doesn't pay. */
function thrashes(set: PatternSet, at: usize): bool {
  const offset = <isize> (at - textStart);
  const searched = offset - set.flushedAt;
  set.flushedAt = offset;
  return searched < 10 * <isize> set.flushedStates;
}

const threads: Vector = newVector();
const done: Vector = newVector();

/** A step for every byte, with nothing remembered. */
function crawl(set: PatternSet, row: u32, at: usize, end: usize): u32 {
  if (at == end) return row;
  const from = stateOf(row);
  copy(from.items, from.itemCount, threads);
  copy(from.matches, from.matchCount, done);
  let context = from.context;
  while (at < end) {
    const byte = load<u8>(at++);
    if (byte == 13 && set.skipReturns) continue;
    advance(
      set.first,
      threads.address,
      threads.length,
      done.address,
      done.length,
      context,
      byte,
    );
    const offset = <u32> (at - textStart);
    emitAll(matchedBefore, visible(set, offset - 1));
    emitAll(matchedNow, offset);
    listFollowing(threads);
    copy(matchedNow.address, matchedNow.length, done);
    context = contextNow;
  }
  return internStep(set);
}

function emitAll(list: Vector, offset: u32): void {
  for (let i: u32 = 0; i < list.length; i++) {
    emit(changetype<Pattern>(<usize> list.get(i)).id, offset);
  }
}

function copy(from: usize, count: u32, to: Vector): void {
  to.reserve(count);
  to.length = count;
  memory.copy(to.address, from, (<usize> count) << 2);
}
