// @ts-nocheck: AssemblyScript, which has types of its own

// Finds one sequence of bytes in others, by two of its bytes.

/**
 * Returns the first place between `from` and `end` of the `size` bytes at
 * `needle`, or `end`. `first` and `second` are the offsets of two rare bytes of
 * the needle.
 */
export function findBytes(
  needle: usize,
  size: usize,
  first: usize,
  second: usize,
  from: usize,
  end: usize,
): usize {
  if (from + size > end) return end;
  const last = end - size;
  const value0 = i8x16.splat(load<u8>(needle + first));
  const value1 = i8x16.splat(load<u8>(needle + second));
  let at = from;
  for (; at + 15 <= last; at += 16) {
    const found = v128.and(
      i8x16.eq(v128.load(at + first), value0),
      i8x16.eq(v128.load(at + second), value1),
    );
    if (!v128.any_true(found)) continue;
    let lanes = <u32> i8x16.bitmask(found);
    do {
      const start = at + <usize> ctz(lanes);
      if (memory.compare(start, needle, size) == 0) return start;
      lanes &= lanes - 1;
    } while (lanes != 0);
  }
  for (; at <= last; at++) {
    if (memory.compare(at, needle, size) == 0) return at;
  }
  return end;
}
