// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// The prefilter. Needles are short sequences of byte sets; every match contains
// one of them. No match ends in text without a needle, so the search skips it.
// The prefilter looks at sixteen positions at a time, for eight buckets, by the
// low and the high half of each of four bytes; then it compares the needles in
// full. TypeScript chooses the needles (src/scan/needle.ts) and writes, in
// 32-bit words:
//
//   needles, bytes before, unbounded, set of bytes before (8 words),
//   then each needle: length, offset of the four bytes, offsets of its two
//   rarest bytes (a word of two halves), a set (8 words) a byte
//
// No needle has `\n` in it, so none has a `\r` in it that a search may have to
// skip.

import { BUCKETS, POSITIONS, shareOut } from "./buckets.ts";
import { newVector, Vector, zeroed } from "./vector.ts";
import { Pattern } from "./patterns.ts";

const HEAD: usize = 11 * 4;

// Offsets in a needle, in the words that TypeScript writes:

function needleLength(needle: usize): usize {
  return load<u32>(needle);
}

function windowOffset(needle: usize): usize {
  return load<u32>(needle, 4);
}

function setAt(needle: usize, position: usize): usize {
  return needle + 12 + (position << 5);
}

function setHas(set: usize, byte: u32): bool {
  return (load<u8>(set + (byte >> 3)) & (1 << (byte & 7))) != 0;
}

@unmanaged
export class Prefilter {
  /**
   * For each of four positions, the buckets by low half (16 bytes) and by high
   * half.
   */
  masks: usize;
  /** The needles, sorted by bucket; where each bucket begins. */
  needles: Vector;
  bucketStarts: usize;
  /**
   * If there are one or two needles: two bytes of each, as offset, mask and
   * value; otherwise 0.
   */
  pairs: usize;
  /** The longest needle. */
  longest: usize;
  /**
   * How far before a found needle another one may begin. The search finds their
   * windows in order.
   */
  lead: usize;
  /** How far before a needle a match may begin … */
  before: usize;
  /**
   * … unless it begins farther before, and only bytes of this set are between
   * (0 if there is no such set).
   */
  through: usize;
  /** How many needles were compared in full, to estimate the cost. */
  compared: usize;

  release(): void {
    heap.free(this.masks);
    this.needles.release();
    heap.free(this.bucketStarts);
    if (this.pairs != 0) heap.free(this.pairs);
    if (this.through != 0) heap.free(this.through);
    heap.free(changetype<usize>(this));
  }

  /**
   * Where a search must begin to find all matches whose needle is at `at` or
   * later; not before `floor`.
   */
  restart(floor: usize, at: usize): usize {
    let from = at - floor > this.before ? at - this.before : floor;
    const through = this.through;
    if (through != 0) {
      let back = at;
      while (back > floor && setHas(through, load<u8>(back - 1))) back--;
      from = min(from, back);
    }
    return from;
  }

  /**
   * Returns the place of a needle that is complete between `from` and `end`, or
   * `end`. No other needle begins more than `lead` before it. This may read
   * forty bytes beyond `end`.
   */
  find(from: usize, end: usize): usize {
    return this.pairs == 0
      ? this.findInBuckets(from, end)
      : this.findByPairs(from, end);
  }

  private findInBuckets(from: usize, end: usize): usize {
    const masks = this.masks;
    const low0 = v128.load(masks);
    const high0 = v128.load(masks, 16);
    const low1 = v128.load(masks, 32);
    const high1 = v128.load(masks, 48);
    const low2 = v128.load(masks, 64);
    const high2 = v128.load(masks, 80);
    const low3 = v128.load(masks, 96);
    const high3 = v128.load(masks, 112);
    const half = i8x16.splat(15);
    // The results of the blocks before for the first three positions.
    let before0 = i8x16.splat(0);
    let before1 = before0;
    let before2 = before0;
    for (let at = from; at < end + 3; at += 16) {
      const bytes = v128.load(at);
      const low = v128.and(bytes, half);
      const high = v128.and(i16x8.shr_u(bytes, 4), half);
      const now0 = v128.and(
        i8x16.relaxed_swizzle(low0, low),
        i8x16.relaxed_swizzle(high0, high),
      );
      const now1 = v128.and(
        i8x16.relaxed_swizzle(low1, low),
        i8x16.relaxed_swizzle(high1, high),
      );
      const now2 = v128.and(
        i8x16.relaxed_swizzle(low2, low),
        i8x16.relaxed_swizzle(high2, high),
      );
      const now3 = v128.and(
        i8x16.relaxed_swizzle(low3, low),
        i8x16.relaxed_swizzle(high3, high),
      );
      // deno-fmt-ignore
      const found = v128.and(
        v128.and(
          v128.shuffle<u8>(before0, now0, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28),
          v128.shuffle<u8>(before1, now1, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29),
        ),
        v128.and(
          v128.shuffle<u8>(before2, now2, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30),
          now3,
        ),
      );
      before0 = now0;
      before1 = now1;
      before2 = now2;
      if (!v128.any_true(found)) continue;
      let lanes = <u32> i8x16.bitmask(i8x16.ne(found, i8x16.splat(0)));
      const lower = i64x2.extract_lane(found, 0);
      const upper = i64x2.extract_lane(found, 1);
      do {
        const lane = <usize> ctz(lanes);
        const needle = this.confirm(
          at + lane - 3,
          <u32> ((lane < 8 ? lower : upper) >> (<i64> (lane & 7) << 3)) & 0xff,
          from,
          end,
        );
        if (needle != 0) return needle;
        lanes &= lanes - 1;
      } while (lanes != 0);
    }
    return end;
  }

  /** Finds one or two needles, each by two of its bytes. */
  private findByPairs(from: usize, end: usize): usize {
    const one = this.needles.length == 1;
    let at = from;
    while (at < end) {
      at = one ? this.firstOfOne(at, end) : this.firstOfTwo(at, end);
      if (at >= end) break;
      let lanes = this.lanesOf(0, at);
      if (!one) lanes |= this.lanesOf(1, at);
      while (lanes != 0) {
        const start = at + <usize> ctz(lanes);
        for (let i: u32 = 0; i < this.needles.length; i++) {
          if (this.isNeedle(<usize> this.needles.get(i), start, from, end)) {
            return start;
          }
        }
        lanes &= lanes - 1;
      }
      at += 16;
    }
    return end;
  }

  /**
   * The first block of sixteen positions with a position that both bytes fit.
   */
  private firstOfOne(from: usize, end: usize): usize {
    const pairs = this.pairs;
    const first = <usize> load<u8>(pairs);
    const mask0 = i8x16.splat(load<u8>(pairs, 1));
    const value0 = i8x16.splat(load<u8>(pairs, 2));
    const second = <usize> load<u8>(pairs, 3);
    const mask1 = i8x16.splat(load<u8>(pairs, 4));
    const value1 = i8x16.splat(load<u8>(pairs, 5));
    let at = from;
    for (; at + 48 < end; at += 64) {
      const at0 = at + first;
      const at1 = at + second;
      const found = v128.or(
        v128.or(
          v128.and(
            i8x16.eq(v128.and(v128.load(at0), mask0), value0),
            i8x16.eq(v128.and(v128.load(at1), mask1), value1),
          ),
          v128.and(
            i8x16.eq(v128.and(v128.load(at0, 16), mask0), value0),
            i8x16.eq(v128.and(v128.load(at1, 16), mask1), value1),
          ),
        ),
        v128.or(
          v128.and(
            i8x16.eq(v128.and(v128.load(at0, 32), mask0), value0),
            i8x16.eq(v128.and(v128.load(at1, 32), mask1), value1),
          ),
          v128.and(
            i8x16.eq(v128.and(v128.load(at0, 48), mask0), value0),
            i8x16.eq(v128.and(v128.load(at1, 48), mask1), value1),
          ),
        ),
      );
      if (v128.any_true(found)) break;
    }
    while (at < end && this.lanesOf(0, at) == 0) at += 16;
    return at;
  }

  private firstOfTwo(from: usize, end: usize): usize {
    const pairs = this.pairs;
    const offset0 = <usize> load<u8>(pairs);
    const mask0 = i8x16.splat(load<u8>(pairs, 1));
    const value0 = i8x16.splat(load<u8>(pairs, 2));
    const offset1 = <usize> load<u8>(pairs, 3);
    const mask1 = i8x16.splat(load<u8>(pairs, 4));
    const value1 = i8x16.splat(load<u8>(pairs, 5));
    const offset2 = <usize> load<u8>(pairs, 6);
    const mask2 = i8x16.splat(load<u8>(pairs, 7));
    const value2 = i8x16.splat(load<u8>(pairs, 8));
    const offset3 = <usize> load<u8>(pairs, 9);
    const mask3 = i8x16.splat(load<u8>(pairs, 10));
    const value3 = i8x16.splat(load<u8>(pairs, 11));
    let at = from;
    for (; at < end; at += 16) {
      const found = v128.or(
        v128.and(
          i8x16.eq(v128.and(v128.load(at + offset0), mask0), value0),
          i8x16.eq(v128.and(v128.load(at + offset1), mask1), value1),
        ),
        v128.and(
          i8x16.eq(v128.and(v128.load(at + offset2), mask2), value2),
          i8x16.eq(v128.and(v128.load(at + offset3), mask3), value3),
        ),
      );
      if (v128.any_true(found)) break;
    }
    return at;
  }

  /** The positions of sixteen that both bytes of a needle fit. */
  private lanesOf(needle: usize, at: usize): u32 {
    const pair = this.pairs + needle * 6;
    return <u32> i8x16.bitmask(v128.and(
      i8x16.eq(
        v128.and(
          v128.load(at + <usize> load<u8>(pair)),
          i8x16.splat(load<u8>(pair, 1)),
        ),
        i8x16.splat(load<u8>(pair, 2)),
      ),
      i8x16.eq(
        v128.and(
          v128.load(at + <usize> load<u8>(pair, 3)),
          i8x16.splat(load<u8>(pair, 4)),
        ),
        i8x16.splat(load<u8>(pair, 5)),
      ),
    ));
  }

  /**
   * The beginning of a needle of the buckets whose four bytes are at `at`, or
   * 0.
   */
  private confirm(at: usize, buckets: u32, from: usize, end: usize): usize {
    while (buckets != 0) {
      const bucket = <u32> ctz(buckets);
      buckets &= buckets - 1;
      let i = <u32> load<u8>(this.bucketStarts + bucket);
      const last = <u32> load<u8>(this.bucketStarts + bucket, 1);
      for (; i < last; i++) {
        const needle = <usize> this.needles.get(i);
        const start = at - windowOffset(needle);
        if (this.isNeedle(needle, start, from, end)) return start;
      }
    }
    return 0;
  }

  private isNeedle(
    needle: usize,
    start: usize,
    from: usize,
    end: usize,
  ): bool {
    this.compared++;
    const length = needleLength(needle);
    if (start < from || start + length > end) return false;
    for (let position: usize = 0; position < length; position++) {
      if (!setHas(setAt(needle, position), load<u8>(start + position))) {
        return false;
      }
    }
    return true;
  }
}

/**
 * Makes the prefilter of a set of patterns; null, if one of them has no
 * needles.
 */
export function newPrefilter(
  first: Pattern | null,
  skipReturns: bool,
): Prefilter | null {
  if (first === null) return null;
  let total: u32 = 0;
  for (
    let pattern: Pattern | null = first;
    pattern !== null;
    pattern = pattern.next
  ) {
    if (pattern.needles == 0) return null;
    total += load<u32>(pattern.needles);
  }
  if (total > 128) return null;
  const prefilter = changetype<Prefilter>(zeroed(offsetof<Prefilter>()));
  prefilter.masks = zeroed(POSITIONS * 32);
  prefilter.needles = newVector();
  prefilter.bucketStarts = zeroed(BUCKETS + 1);
  for (
    let pattern: Pattern | null = first;
    pattern !== null;
    pattern = pattern.next
  ) {
    collect(prefilter, pattern.needles);
  }
  if (skipReturns) {
    // Before each byte there may be a `\r`, which does not count.
    prefilter.before <<= 1;
    if (prefilter.through != 0) {
      store<u8>(prefilter.through, load<u8>(prefilter.through, 1) | 32, 1);
    }
  }
  if (!fillPairs(prefilter)) fillBuckets(prefilter);
  return prefilter;
}

function collect(prefilter: Prefilter, written: usize): void {
  prefilter.before = max<usize>(prefilter.before, load<u32>(written, 4));
  if (load<u32>(written, 8) != 0) {
    if (prefilter.through == 0) prefilter.through = zeroed(32);
    for (let i: usize = 0; i < 32; i++) {
      const at = prefilter.through + i;
      store<u8>(at, load<u8>(at) | load<u8>(written + 12 + i));
    }
  }
  let needle = written + HEAD;
  for (let count = load<u32>(written); count > 0; count--) {
    prefilter.longest = max(prefilter.longest, needleLength(needle));
    prefilter.needles.push(<u32> needle);
    needle = setAt(needle, needleLength(needle));
  }
}

/**
 * Whether there are one or two needles, which two bytes identify up to case.
 */
function fillPairs(prefilter: Prefilter): bool {
  const count = prefilter.needles.length;
  if (count > 2) return false;
  const pairs = heap.alloc(12);
  for (let i: u32 = 0; i < count; i++) {
    const needle = <usize> prefilter.needles.get(i);
    const offsets = load<u32>(needle, 8);
    const pair = pairs + ((<usize> i) * 6);
    if (
      !fillHalf(pair, needle, offsets & 0xffff) ||
      !fillHalf(pair + 3, needle, offsets >> 16)
    ) {
      heap.free(pairs);
      return false;
    }
  }
  prefilter.pairs = pairs;
  return true;
}

function fillHalf(half: usize, needle: usize, offset: u32): bool {
  const set = setAt(needle, offset);
  let first: u32 = 0;
  while (first < 256 && !setHas(set, first)) first++;
  let mask: u8 = 0xff;
  for (let byte = first + 1; byte < 256; byte++) {
    if (!setHas(set, byte)) continue;
    // Upper and lower case differ in one bit.
    if (byte != (first | 32) || mask != 0xff) return false;
    mask = 0xdf;
  }
  store<u8>(half, <u8> offset);
  store<u8>(half, mask, 1);
  store<u8>(half, <u8> first & mask, 2);
  return true;
}

function fillBuckets(prefilter: Prefilter): void {
  const needles = prefilter.needles;
  const count = needles.length;
  const halves = zeroed((<usize> count) << 4);
  for (let i: u32 = 0; i < count; i++) {
    addHalves(<usize> needles.get(i), halves + ((<usize> i) << 4));
  }
  shareOut(needles, halves, prefilter.bucketStarts);
  for (let i: u32 = 0; i < count; i++) {
    const offset = windowOffset(<usize> needles.get(i));
    prefilter.lead = max(prefilter.lead, offset);
  }
  for (let bucket: u32 = 0; bucket < BUCKETS; bucket++) {
    let i = <u32> load<u8>(prefilter.bucketStarts + bucket);
    const last = <u32> load<u8>(prefilter.bucketStarts + bucket, 1);
    if (i == last) continue;
    memory.fill(halves, 0, 16);
    for (; i < last; i++) addHalves(<usize> needles.get(i), halves);
    fillMasks(prefilter.masks, halves, bucket);
  }
  heap.free(halves);
}

/** Adds the halves of a needle's bytes, position by position, as bits. */
function addHalves(needle: usize, halves: usize): void {
  const offset = windowOffset(needle);
  for (let position: usize = 0; position < POSITIONS; position++) {
    const at = halves + (position << 2);
    const known = offset + position < needleLength(needle);
    for (let byte: u32 = 0; byte < 256; byte++) {
      if (known && !setHas(setAt(needle, offset + position), byte)) continue;
      store<u16>(at, load<u16>(at) | <u16> ((<u32> 1) << (byte & 15)));
      store<u16>(at, load<u16>(at, 2) | <u16> ((<u32> 1) << (byte >> 4)), 2);
    }
  }
}

/** Sets a bucket's bit at each of its halves. */
function fillMasks(masks: usize, halves: usize, bucket: u32): void {
  const bit: u8 = 1 << (<u8> bucket);
  for (let position: usize = 0; position < POSITIONS; position++) {
    for (let high: usize = 0; high < 2; high++) {
      const bits = <u32> load<u16>(halves + (position << 2) + (high << 1));
      for (let half: u32 = 0; half < 16; half++) {
        if ((bits >> half & 1) == 0) continue;
        const at = masks + (position << 5) + (high << 4) + half;
        store<u8>(at, load<u8>(at) | bit);
      }
    }
  }
}
