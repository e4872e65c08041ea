import { ByteSet } from "./byte_set.ts";
import { all, type Characters, complement, has, union } from "./characters.ts";

// The encoding of the text that automata read (wasm/scanner/text.ts): these
// characters are one byte each. All others are UTF-8 of at most three bytes; a
// character beyond U+FFFF is a pair of surrogates.
const special: readonly (readonly [character: number, byte: number])[] = [
  [0x17f, 0xfa],
  [0x2028, 0xf8],
  [0x2029, 0xf9],
  [0x212a, 0xfb],
  [0xfffd, 0xfc],
];
const notSpecial = complement(
  union(special.flatMap(([character]) => [character, character])),
  true,
);

/** A sequence of byte ranges: first byte from, to; second byte from, to; … */
type ByteRanges = readonly (readonly [low: number, high: number])[];

/** Characters as sequences of byte ranges. */
export function byteSequences(
  set: Characters,
  unicode: boolean,
): ByteRanges[] {
  const sequences: ByteRanges[] = [];
  for (const [character, byte] of special) {
    if (has(set, character)) sequences.push([[byte, byte]]);
  }
  for (const [first, last] of ranges(intersect(set, notSpecial))) {
    for (const [low, high] of clip(first, last, 0, 0x7f)) {
      sequences.push([[low, high]]);
    }
    for (const [low, high] of clip(first, last, 0x80, 0x7ff)) {
      sequences.push(...ofLength(low, high, 2));
    }
    // A pattern with `u` matches no lone surrogate in text that was decoded
    // from bytes.
    const parts = unicode
      ? [[0x800, 0xd7ff], [0xe000, 0xffff]]
      : [[0x800, 0xffff]];
    for (const [from, to] of parts) {
      for (const [low, high] of clip(first, last, from, to)) {
        sequences.push(...ofLength(low, high, 3));
      }
    }
    for (const [low, high] of clip(first, last, 0x10000, 0x10ffff)) {
      sequences.push(...pairs(low, high));
    }
  }
  return sequences;
}

const specialBytes = new Map(special);

/** The bytes of a UTF-16 unit in the text that automata read. */
export function bytesOfUnit(unit: number): number[] {
  const byte = specialBytes.get(unit);
  if (byte !== undefined) return [byte];
  return unit < 0x80 ? [unit] : encode(unit, unit < 0x800 ? 2 : 3);
}

/** Every byte that is part of some character of a set. */
export function bytesWithin(set: Characters, unicode: boolean): ByteSet {
  const bytes = new ByteSet();
  for (const sequence of byteSequences(set, unicode)) {
    for (const [low, high] of sequence) bytes.add(low, high);
  }
  return bytes;
}

/** The most bytes that a character of the set takes. */
export function longestBytes(set: Characters, unicode: boolean): number {
  if (set.length === 0) return 0;
  const last = set[set.length - 1];
  return last < 0x80 ? 1 : last < 0x800 ? 2 : last > 0xffff && unicode ? 6 : 3;
}

/** Any one character. */
export function anyCharacter(unicode: boolean): Characters {
  return all(unicode);
}

function* ranges(set: Characters): Generator<[number, number]> {
  for (let i = 0; i < set.length; i += 2) yield [set[i], set[i + 1]];
}

function intersect(a: Characters, b: Characters): Characters {
  const both: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const low = Math.max(a[i], b[j]);
    const high = Math.min(a[i + 1], b[j + 1]);
    if (low <= high) both.push(low, high);
    if (a[i + 1] < b[j + 1]) i += 2;
    else j += 2;
  }
  return both;
}

function clip(
  first: number,
  last: number,
  from: number,
  to: number,
): [number, number][] {
  const low = Math.max(first, from);
  const high = Math.min(last, to);
  return low <= high ? [[low, high]] : [];
}

/**
 * The sequences of a range of characters that all have the same length, two or
 * three bytes.
 */
function ofLength(first: number, last: number, length: number): ByteRanges[] {
  // If the last bytes do not cover all of 80 to BF, this cuts the range into
  // parts in which they do, or in which the bytes before them are the same.
  for (let tail = 1; tail < length; tail++) {
    const mask = (1 << (6 * tail)) - 1;
    if ((first & ~mask) === (last & ~mask)) continue;
    if ((first & mask) !== 0) {
      return [
        ...ofLength(first, first | mask, length),
        ...ofLength((first | mask) + 1, last, length),
      ];
    }
    if ((last & mask) !== mask) {
      return [
        ...ofLength(first, (last & ~mask) - 1, length),
        ...ofLength(last & ~mask, last, length),
      ];
    }
  }
  const low = encode(first, length);
  const high = encode(last, length);
  return [low.map((byte, i) => [byte, high[i]] as const)];
}

function encode(character: number, length: number): number[] {
  const bytes: number[] = [];
  for (let i = length - 1; i > 0; i--) {
    bytes.unshift(0x80 | character & 63);
    character >>= 6;
  }
  return [(length === 2 ? 0xc0 : 0xe0) | character, ...bytes];
}

/** Pairs of surrogates, three bytes each, for a range beyond U+FFFF. */
function pairs(first: number, last: number): ByteRanges[] {
  if ((first >> 10) !== (last >> 10)) {
    if ((first & 0x3ff) !== 0) {
      return [
        ...pairs(first, first | 0x3ff),
        ...pairs((first | 0x3ff) + 1, last),
      ];
    }
    if ((last & 0x3ff) !== 0x3ff) {
      return [
        ...pairs(first, (last & ~0x3ff) - 1),
        ...pairs(last & ~0x3ff, last),
      ];
    }
  }
  const high = (point: number) => 0xd800 + ((point - 0x10000) >> 10);
  const low = (point: number) => 0xdc00 + (point & 0x3ff);
  const sequences: ByteRanges[] = [];
  for (const head of ofLength(high(first), high(last), 3)) {
    for (const tail of ofLength(low(first), low(last), 3)) {
      sequences.push([...head, ...tail]);
    }
  }
  return sequences;
}
