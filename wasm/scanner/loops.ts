// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// States that nearly every byte leads back to; `foo[^]*bar` has one after
// `foo`. This looks for the bytes that leave such a state, sixteen at a time.

import { LOOK, LOOPS, slot, StateCache, stateOf } from "./states.ts";

/** How many of the 256 bytes must lead back, so that skips pay. */
const ENOUGH: u32 = 100;
/** Marks a state for which no skips are prepared. */
const NOT_WORTH: usize = 1;
const TRIALS: u32 = 32;
const SHORTEST: u32 = 16;

// Masks of the low and the high halves of the bytes that leave (16 bytes each),
// then the number of skips and the bytes that they skipped.
const SIZE: usize = 40;

/**
 * Counts the bytes of a class that leads from a row to itself. Returns true
 * once for each row, when they are enough for skips to pay.
 */
export function countLoop(classes: usize, row: u32, byte: u32): bool {
  const state = stateOf(row);
  const number = load<u8>(classes + byte);
  for (let other: u32 = 0; other < 256; other++) {
    if (load<u8>(classes + other) == number) state.loops++;
  }
  if (state.loops < ENOUGH || state.leaving != 0) return false;
  state.leaving = NOT_WORTH;
  return true;
}

/** Prepares skips from a row whose transitions are all known. */
export function prepareSkip(
  cache: StateCache,
  classes: usize,
  row: u32,
): void {
  const leaving = cache.take(SIZE);
  memory.fill(leaving, 0, SIZE);
  fillMasks(leaving, classes, row);
  stateOf(row).leaving = leaving;
  markLoops(cache, row, row | LOOK | LOOPS);
}

/** Marks with `to` the bytes at which a row leads back to itself. */
function markLoops(cache: StateCache, row: u32, to: u32): void {
  for (let i: u32 = 0; i < cache.classCount; i++) {
    const at = <usize> (row + (i << 2));
    const next = load<u32>(at);
    if (next == row || next == (row | LOOK | LOOPS)) store<u32>(at, to);
  }
}

function leaves(classes: usize, row: u32, byte: u32): bool {
  return load<u32>(slot(classes, row, byte)) != row;
}

/**
 * High halves that leave with the same low halves share a bit. If there are
 * more than eight kinds, the rest share the last bit, which then stops at bytes
 * that do not leave.
 */
function fillMasks(leaving: usize, classes: usize, row: u32): void {
  let kinds: u32 = 0;
  for (let high: u32 = 0; high < 16; high++) {
    let lows: u32 = 0;
    for (let low: u32 = 0; low < 16; low++) {
      if (leaves(classes, row, high << 4 | low)) lows |= 1 << low;
    }
    if (lows == 0) continue;
    let kind: u32 = 0;
    while (kind < kinds && lowsOf(leaving, kind) != lows) kind++;
    if (kind == kinds) {
      if (kinds < 8) kinds++;
      else kind = 7;
    }
    const bit: u8 = 1 << <u8> kind;
    for (let low: u32 = 0; low < 16; low++) {
      if ((lows & 1 << low) == 0) continue;
      store<u8>(leaving + low, load<u8>(leaving + low) | bit);
    }
    store<u8>(leaving + high, load<u8>(leaving + high, 16) | bit, 16);
  }
}

function lowsOf(leaving: usize, kind: u32): u32 {
  let lows: u32 = 0;
  for (let low: u32 = 0; low < 16; low++) {
    if ((load<u8>(leaving + low) & (1 << kind)) != 0) lows |= 1 << low;
  }
  return lows;
}

/**
 * The first position from `at` on whose byte leaves a looping row, or `end`.
 */
export function skipLoop(
  cache: StateCache,
  row: u32,
  at: usize,
  end: usize,
): usize {
  const leaving = stateOf(row).leaving;
  const lows = v128.load(leaving);
  const highs = v128.load(leaving, 16);
  const half = i8x16.splat(15);
  let to = at;
  for (; to < end; to += 16) {
    const bytes = v128.load(to);
    const found = v128.and(
      i8x16.relaxed_swizzle(lows, v128.and(bytes, half)),
      i8x16.relaxed_swizzle(highs, v128.and(i16x8.shr_u(bytes, 4), half)),
    );
    if (v128.any_true(found)) {
      to += ctz(i8x16.bitmask(i8x16.ne(found, i8x16.splat(0))));
      break;
    }
  }
  to = min(to, end);
  const tried = load<u32>(leaving, 32) + 1;
  const skipped = load<u32>(leaving, 36) + <u32> (to - at);
  if (tried == TRIALS) {
    if (skipped < TRIALS * SHORTEST) markLoops(cache, row, row);
    store<u32>(leaving, 0, 32);
    store<u32>(leaving, 0, 36);
  } else {
    store<u32>(leaving, tried, 32);
    store<u32>(leaving, skipped, 36);
  }
  return to;
}
