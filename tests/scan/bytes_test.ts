import { assertEquals } from "@std/assert";
import {
  byteSequences,
  bytesOfUnit,
  bytesWithin,
  longestBytes,
} from "../../src/scan/bytes.ts";
import { has, union } from "../../src/scan/characters.ts";
import { Random, seed } from "./random.ts";

// The second stage: sets of characters as sequences of byte ranges.

const first = seed();
console.log(`seed: ${first} (run again with SEED=${first})`);

// Characters at which the number of bytes or the first byte changes, and those
// of one byte.
const edges = [
  0,
  0x0a,
  0x41,
  0x7f,
  0x80,
  0xbf,
  0xc0,
  0x17f,
  0x7ff,
  0x800,
  0xfff,
  0x1000,
  0x2028,
  0x2029,
  0x212a,
  0xd7ff,
  0xd800,
  0xdbff,
  0xdc00,
  0xdfff,
  0xe000,
  0xfffd,
  0xffff,
  0x10000,
  0x103ff,
  0x10400,
  0x1f600,
  0xfffff,
  0x10ffff,
];

/** How a character looks in the text that automata see. */
function bytesOf(character: number): number[] {
  const text = String.fromCodePoint(character);
  return Array.from({ length: text.length }, (_, at) => text.charCodeAt(at))
    .flatMap(bytesOfUnit);
}

Deno.test("bytes: a unit is as in UTF-8, but for what is a byte of its own", () => {
  const own = new Map([
    [0x17f, 0xfa],
    [0x2028, 0xf8],
    [0x2029, 0xf9],
    [0x212a, 0xfb],
    [0xfffd, 0xfc],
  ]);
  for (let unit = 0; unit <= 0xffff; unit++) {
    const byte = own.get(unit);
    if (byte !== undefined) assertEquals(bytesOfUnit(unit), [byte]);
    else if (unit < 0xd800 || unit > 0xdfff) {
      const utf8 = new TextEncoder().encode(String.fromCharCode(unit));
      assertEquals(bytesOfUnit(unit), [...utf8]);
    }
  }
  assertEquals(bytesOfUnit(0xd83d), [0xed, 0xa0, 0xbd]);
});

for (const unicode of [true, false]) {
  Deno.test(`bytes: a set's sequences are its characters', ${unicode ? "with" : "without"} u`, () => {
    const random = new Random(first);
    const last = unicode ? 0x10ffff : 0xffff;
    const near = () =>
      Math.max(0, Math.min(last, random.pick(edges) + random.below(5) - 2));
    for (let round = 0; round < 2000; round++) {
      const set = union(
        ...Array.from({ length: 1 + random.below(3) }, () => {
          const [low, high] = [near(), near()].sort((a, b) => a - b);
          return [low, high];
        }),
      );
      const sequences = byteSequences(set, unicode);
      const within = bytesWithin(set, unicode);
      for (let i = 0; i < 30; i++) {
        const one = near();
        // In a pattern with `u`, a lone surrogate is nowhere to be found.
        if (unicode && one >= 0xd800 && one <= 0xdfff) continue;
        const bytes = bytesOf(one);
        const takes = sequences.filter((sequence) =>
          sequence.length === bytes.length &&
          sequence.every(([low, high], at) =>
            low <= bytes[at] && bytes[at] <= high
          )
        );
        const isIn = has(set, one);
        assertEquals(
          takes.length,
          isIn ? 1 : 0,
          `U+${one.toString(16)} in ${set}`,
        );
        if (!isIn) continue;
        for (const byte of bytes) assertEquals(within.has(byte), true);
        assertEquals(longestBytes(set, unicode) >= bytes.length, true);
      }
    }
  });
}
