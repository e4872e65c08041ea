// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// Decides which needles share a bucket of the prefilter. The prefilter looks
// for a bucket by the halves of four bytes of all its needles together. So it
// also finds the bucket at places without any of them, the more often the less
// the needles have in common. This joins, again and again, the two buckets
// whose union finds fewest such places, until there are few enough buckets.

import { newVector, Vector, zeroed } from "./vector.ts";

/** How many bytes of a needle the prefilter looks at. */
export const POSITIONS: u32 = 4;
export const BUCKETS: u32 = 8;

/**
 * How often each of 256 bytes occurs, in thousandths (f32). TypeScript writes
 * them once (src/scan/frequencies.ts).
 */
export const frequencies: usize = memory.data(1024, 16);

/**
 * The halves of a needle, later of a bucket: for each position, the low and the
 * high halves as bits (u16).
 */
function halvesAt(halves: usize, needle: u32): usize {
  return halves + ((<usize> needle) << 4);
}

/**
 * Sorts needles by bucket, and writes where each bucket begins and the last one
 * ends. `halves` has the halves of each needle.
 */
export function shareOut(needles: Vector, halves: usize, starts: usize): void {
  const count = needles.length;
  const buckets = newVector();
  for (let i: u32 = 0; i < count; i++) buckets.push(i);
  join(buckets, halves);

  const ordered = newVector();
  let bucket: u32 = 0;
  for (let first: u32 = 0; first < count; first++) {
    if (buckets.get(first) != first) continue;
    store<u8>(starts + bucket++, <u8> ordered.length);
    for (let i = first; i < count; i++) {
      if (buckets.get(i) == first) ordered.push(needles.get(i));
    }
  }
  for (; bucket <= BUCKETS; bucket++) store<u8>(starts + bucket, <u8> count);
  for (let i: u32 = 0; i < count; i++) needles.set(i, ordered.get(i));
  ordered.release();
  buckets.release();
}

/** Joins buckets, each named by its first needle, until there are few enough. */
function join(buckets: Vector, halves: usize): void {
  const count = buckets.length;
  if (count <= BUCKETS) return;
  // The cost of joining each pair of buckets.
  const losses = zeroed((<usize> (count * count)) << 2);
  for (let i: u32 = 0; i < count; i++) {
    for (let j: u32 = 0; j < i; j++) {
      store<f32>(at(losses, count, i, j), loss(halves, i, j));
    }
  }
  for (let left = count; left > BUCKETS; left--) {
    let least: f32 = Infinity;
    let first: u32 = 0;
    let second: u32 = 0;
    for (let i: u32 = 0; i < count; i++) {
      if (buckets.get(i) != i) continue;
      for (let j: u32 = 0; j < i; j++) {
        if (buckets.get(j) != j) continue;
        const one = load<f32>(at(losses, count, i, j));
        if (one >= least) continue;
        least = one;
        first = j;
        second = i;
      }
    }
    for (let i = second; i < count; i++) {
      if (buckets.get(i) == second) buckets.set(i, first);
    }
    const to = halvesAt(halves, first);
    v128.store(to, v128.or(v128.load(to), v128.load(halvesAt(halves, second))));
    for (let i: u32 = 0; i < count; i++) {
      if (buckets.get(i) != i || i == first) continue;
      store<f32>(
        at(losses, count, max(i, first), min(i, first)),
        loss(halves, i, first),
      );
    }
  }
  heap.free(losses);
}

function at(losses: usize, count: u32, i: u32, j: u32): usize {
  return losses + ((<usize> (i * count + j)) << 2);
}

function loss(halves: usize, i: u32, j: u32): f32 {
  const one = halvesAt(halves, i);
  const other = halvesAt(halves, j);
  return rate(one, other) - rate(one, one) - rate(other, other);
}

/** How often text fits the halves of two buckets that are joined. */
function rate(one: usize, other: usize): f32 {
  let product: f32 = 1;
  for (let position: u32 = 0; position < POSITIONS; position++) {
    const lows = <u32> (load<u16>(one) | load<u16>(other));
    const highs = <u32> (load<u16>(one, 2) | load<u16>(other, 2));
    one += 4;
    other += 4;
    let sum: f32 = 0;
    for (let byte: u32 = 0; byte < 256; byte++) {
      if ((highs >> (byte >> 4) & lows >> (byte & 15) & 1) == 0) continue;
      sum += load<f32>(frequencies + (byte << 2));
    }
    product *= min<f32>(1, sum / 1000);
  }
  return product;
}
