/**
 * Sets of code points, or of UTF-16 units where a pattern has no `u` flag:
 * ascending, disjoint ranges, `[first, last, first, last, …]`.
 */
export type Characters = readonly number[];

const lastUnit = 0xffff;
const lastPoint = 0x10ffff;

/** All characters. */
export function all(unicode: boolean): Characters {
  return [0, unicode ? lastPoint : lastUnit];
}

/** The union of sets. */
export function union(...sets: Characters[]): Characters {
  const ranges: [number, number][] = [];
  for (const set of sets) {
    for (let i = 0; i < set.length; i += 2) ranges.push([set[i], set[i + 1]]);
  }
  ranges.sort((a, b) => a[0] - b[0]);
  const joined: number[] = [];
  for (const [first, last] of ranges) {
    const before = joined.length - 1;
    if (before >= 0 && first <= joined[before] + 1) {
      joined[before] = Math.max(joined[before], last);
    } else {
      joined.push(first, last);
    }
  }
  return joined;
}

/** The complement of a set. */
export function complement(set: Characters, unicode: boolean): Characters {
  const rest: number[] = [];
  let next = 0;
  for (let i = 0; i < set.length; i += 2) {
    if (set[i] > next) rest.push(next, set[i] - 1);
    next = set[i + 1] + 1;
  }
  const last = unicode ? lastPoint : lastUnit;
  if (next <= last) rest.push(next, last);
  return rest;
}

/** Whether a set contains a character. */
export function has(set: Characters, character: number): boolean {
  let low = 0;
  let high = set.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (character > set[2 * middle + 1]) low = middle + 1;
    else high = middle;
  }
  return low < set.length / 2 && character >= set[2 * low];
}

export const lineTerminators: Characters = [10, 10, 13, 13, 0x2028, 0x2029];
export const digits: Characters = [48, 57];
export const words: Characters = [48, 57, 65, 90, 95, 95, 97, 122];
/**
 * The characters of `\w` with the flags `i` and `u`, which add the long s and
 * the Kelvin sign.
 */
export const foldedWords: Characters = union(words, [
  0x17f,
  0x17f,
  0x212a,
  0x212a,
]);
// deno-fmt-ignore
export const spaces: Characters = [
  9, 13, 32, 32, 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029,
  0x202f, 0x202f, 0x205f, 0x205f, 0x3000, 0x3000, 0xfeff, 0xfeff,
];

/**
 * Adds to a set all characters that equal one of its members when case is
 * ignored.
 */
export function ignoreCase(set: Characters, unicode: boolean): Characters {
  const added: number[] = [];
  for (let i = 0; i < set.length; i += 2) {
    addShifted(added, set[i], set[i + 1], 65, 90, 32);
    addShifted(added, set[i], set[i + 1], 97, 122, -32);
  }
  const beyondAscii = set.length > 0 && set[set.length - 1] > 127;
  if (unicode && !beyondAscii) {
    // Only these two fold to ASCII, and only with `u`.
    if (has(set, 0x73) || has(set, 0x53)) added.push(0x17f, 0x17f);
    if (has(set, 0x6b) || has(set, 0x4b)) added.push(0x212a, 0x212a);
  }
  if (beyondAscii) {
    for (const group of caseGroups(unicode)) {
      if (group.some((member) => has(set, member))) {
        for (const member of group) added.push(member, member);
      }
    }
  }
  return union(set, added);
}

function addShifted(
  to: number[],
  first: number,
  last: number,
  from: number,
  till: number,
  by: number,
): void {
  const low = Math.max(first, from);
  const high = Math.min(last, till);
  if (low <= high) to.push(low + by, high + by);
}

/**
 * Characters that Unicode's folding alone makes equal: neither is the upper or
 * lower case of the other.
 */
const onlyFolded = [[0xfb05, 0xfb06], [0x390, 0x1fd3], [0x3b0, 0x1fe3]];

const groupsByMode: (number[][] | undefined)[] = [undefined, undefined];

/** All characters that V8 takes for equal to others when case is ignored. */
function caseGroups(unicode: boolean): number[][] {
  const known = groupsByMode[unicode ? 1 : 0];
  if (known) return known;
  const same = unicode ? /^(.)\1$/isu : /^([^])\1$/i;
  const groupOf = new Map<number, number[]>();
  const last = unicode ? 0x1ffff : lastUnit;
  for (let character = 0; character <= last; character++) {
    if (character === 0x3400) character = 0xa000; // ideographs have no case,
    if (character === 0xac00) character = 0xe000; // nor have syllables
    const text = String.fromCodePoint(character);
    const lower = text.toLowerCase();
    const upper = text.toUpperCase();
    if (lower === text && upper === text) continue;
    for (const other of [lower, upper, upper.toLowerCase()]) {
      const point = other.codePointAt(0)!;
      if (point === character || other.length !== (point > lastUnit ? 2 : 1)) {
        continue;
      }
      if (!same.test(text + other)) continue;
      const joined = [
        ...new Set([
          ...groupOf.get(character) ?? [character],
          ...groupOf.get(point) ?? [point],
        ]),
      ];
      for (const member of joined) groupOf.set(member, joined);
    }
  }
  for (const pair of unicode ? onlyFolded : []) {
    const joined = [
      ...new Set(pair.flatMap((one) => groupOf.get(one) ?? [one])),
    ];
    for (const member of joined) groupOf.set(member, joined);
  }
  return groupsByMode[unicode ? 1 : 0] = [...new Set(groupOf.values())];
}

const properties = new Map<string, Characters>();

/** The code points that V8 matches with `\p{…}`. */
export function property(expression: string): Characters {
  const known = properties.get(expression);
  if (known) return known;
  const runs = new RegExp(`\\p{${expression}}+`, "gu");
  const ranges: number[] = [];
  for (let first = 0; first <= lastPoint; first += 0x1000) {
    // Text that was decoded from bytes has no lone surrogates.
    if (first >= 0xd800 && first <= 0xdfff) continue;
    const points: number[] = [];
    for (let i = 0; i < 0x1000; i++) {
      const point = first + i;
      if (point < 0xd800 || point > 0xdfff) points.push(point);
    }
    const text = String.fromCodePoint(...points);
    const width = first > lastUnit ? 2 : 1;
    for (const run of text.matchAll(runs)) {
      const from = first + run.index / width;
      ranges.push(from, from + run[0].length / width - 1);
    }
  }
  const set = union(ranges);
  properties.set(expression, set);
  return set;
}
