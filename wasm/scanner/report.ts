// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// Turns the matches of positions into events.

import { Pattern } from "./patterns.ts";
import { newPosition, Position } from "./position.ts";
import { PatternSet } from "./set.ts";
import { stateOf } from "./states.ts";
import { newVector } from "./vector.ts";

/**
 * Emits the matches of a state; `end` is the text offset after the byte that
 * led to it.
 */
export function report(set: PatternSet, row: u32, end: u32): void {
  const state = stateOf(row);
  if (state.lateCount > 0) {
    emitAll(set, state.late, state.lateCount, visible(set, end - 1));
  }
  emitAll(set, state.matches, state.matchCount, end);
}

/** Like `report`, for a position without a state. */
export function reportPosition(
  set: PatternSet,
  position: Position,
  end: u32,
): void {
  const late = position.late;
  const matches = position.matches;
  if (late.length > 0) {
    emitAll(set, late.address, late.length, visible(set, end - 1));
  }
  emitAll(set, matches.address, matches.length, end);
}

/** Emits the matches at the end of the stream. */
export function reportAtEnd(set: PatternSet, end: u32): void {
  const last = newPosition();
  const matches = newVector();
  stateOf(set.row).read(last);
  set.automaton.settleAtEnd(last, set.context, matches);
  emitAll(set, matches.address, matches.length, end);
  matches.release();
  last.release();
}

/** The end of the text before `offset`, without bytes that the search skips. */
function visible(set: PatternSet, offset: u32): u32 {
  if (set.skipReturns) {
    while (offset > 0 && load<u8>(set.text.start + offset - 1) == 13) offset--;
  }
  return offset;
}

function emitAll(
  set: PatternSet,
  owners: usize,
  count: u32,
  offset: u32,
): void {
  const events = set.events;
  for (let i: u32 = 0; i < count; i++) {
    const owner = load<u32>(owners + ((<usize> i) << 2));
    events.add(changetype<Pattern>(<usize> owner).id, offset);
  }
}
