// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// Walks four parts of a text side by side. A walk through the states waits for
// one load after the other; four walks wait at the same time. If no pattern
// crosses the end of a line, every line begins in the same state. So the parts
// are cut at line ends.

import { report } from "./report.ts";
import { PatternSet } from "./set.ts";
import { LOOK, MATCHES, ROW, slot, UNKNOWN } from "./states.ts";
import { makeTransition } from "./transitions.ts";
import { walk } from "./walk.ts";

/** The cuts do not pay for shorter texts. */
const SHORTEST: usize = 1024;

/** Whether a text can be walked in lanes. */
export function hasLanes(set: PatternSet, at: usize, end: usize): bool {
  return !set.crossesLines && end - at >= SHORTEST;
}

/** Like `walk`. */
export function walkLanes(
  set: PatternSet,
  row: u32,
  at: usize,
  end: usize,
): u32 {
  const quarter = (end - at) >> 2;
  const end0 = lineEnd(at + quarter, at + quarter * 2);
  const end1 = lineEnd(at + quarter * 2, at + quarter * 3);
  const end2 = lineEnd(at + quarter * 3, end);
  if (end0 == 0 || end1 == 0 || end2 == 0) return walk(set, row, at, end);

  const pinned = set.cache.pinned;
  pinned.length = 0;
  pinned.push(row);
  const line = makeTransition(set, row, 10) & ROW;
  pinned.push(line);
  pinned.push(line);
  pinned.push(line);
  const length = min(
    min(end0 - at, end1 - end0),
    min(end2 - end1, end - end2),
  );
  const done = stepTogether(set, at, end0, end1, end2, length);
  const events = set.events;
  events.choosePart(0);
  walk(set, pinned.get(0), at + done, end0);
  events.choosePart(1);
  walk(set, pinned.get(1), end0 + done, end1);
  events.choosePart(2);
  walk(set, pinned.get(2), end1 + done, end2);
  events.choosePart(3);
  row = walk(set, pinned.get(3), end2 + done, end);
  events.joinParts();
  pinned.length = 0;
  return row;
}

/** The position after the first line end between two positions, or 0. */
function lineEnd(from: usize, to: usize): usize {
  for (let at = from; at < to; at++) {
    if (load<u8>(at) == 10) return at + 1;
  }
  return 0;
}

/** Takes `length` bytes of each lane, or fewer if the cache drops states. */
function stepTogether(
  set: PatternSet,
  lane0: usize,
  lane1: usize,
  lane2: usize,
  lane3: usize,
  length: usize,
): usize {
  const cache = set.cache;
  const pinned = cache.pinned;
  const classes = set.classes;
  const flushes = cache.flushes;
  let row0 = pinned.get(0);
  let row1 = pinned.get(1);
  let row2 = pinned.get(2);
  let row3 = pinned.get(3);
  let done: usize = 0;
  while (done < length) {
    const next0 = load<u32>(slot(classes, row0, load<u8>(lane0 + done)));
    const next1 = load<u32>(slot(classes, row1, load<u8>(lane1 + done)));
    const next2 = load<u32>(slot(classes, row2, load<u8>(lane2 + done)));
    const next3 = load<u32>(slot(classes, row3, load<u8>(lane3 + done)));
    done++;
    if (((next0 | next1 | next2 | next3) & LOOK) == 0) {
      if (done == length) {
        row0 = next0;
        row1 = next1;
        row2 = next2;
        row3 = next3;
        break;
      }
      row0 = load<u32>(slot(classes, next0, load<u8>(lane0 + done)));
      row1 = load<u32>(slot(classes, next1, load<u8>(lane1 + done)));
      row2 = load<u32>(slot(classes, next2, load<u8>(lane2 + done)));
      row3 = load<u32>(slot(classes, next3, load<u8>(lane3 + done)));
      done++;
      if (((row0 | row1 | row2 | row3) & LOOK) == 0) continue;
      row0 = next0;
      row1 = next1;
      row2 = next2;
      row3 = next3;
    }
    pinned.set(0, row0);
    pinned.set(1, row1);
    pinned.set(2, row2);
    pinned.set(3, row3);
    stepOne(set, 0, lane0 + done);
    stepOne(set, 1, lane1 + done);
    stepOne(set, 2, lane2 + done);
    stepOne(set, 3, lane3 + done);
    // One lane is better for a text that fills the cache: it can do without
    // states.
    if (cache.flushes != flushes) return done;
    row0 = pinned.get(0);
    row1 = pinned.get(1);
    row2 = pinned.get(2);
    row3 = pinned.get(3);
  }
  pinned.set(0, row0);
  pinned.set(1, row1);
  pinned.set(2, row2);
  pinned.set(3, row3);
  return done;
}

/** Takes the byte before `at` in a lane. The rows of all lanes are pinned. */
function stepOne(set: PatternSet, lane: u32, at: usize): void {
  const byte = <u32> load<u8>(at - 1);
  const pinned = set.cache.pinned;
  const row = pinned.get(lane);
  let next = load<u32>(slot(set.classes, row, byte));
  if (next == UNKNOWN) next = makeTransition(set, row, byte);
  if ((next & MATCHES) != 0) {
    set.events.choosePart(lane);
    report(set, next & ROW, <u32> (at - set.text.start));
  }
  pinned.set(lane, next & ROW);
}
