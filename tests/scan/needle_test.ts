import { assert, assertEquals } from "@std/assert";
import { bytesOfUnit } from "../../src/scan/bytes.ts";
import { needlesOf } from "../../src/scan/needle.ts";
import { flatten } from "../../src/scan/simplify.ts";
import { type Node, NotRegular, parse } from "../../src/scan/syntax.ts";
import { randomPattern, randomText } from "./pattern_case.ts";
import { Random, seed } from "./random.ts";
import { charactersOf, endsOf } from "./reference.ts";

// The stage that chooses what to look for: whatever it chooses is in every
// match, and no farther from the match's beginning than it says.

const first = seed();
console.log(`seed: ${first} (run again with SEED=${first})`);

/** A set of bytes, as eight words. */
type Bytes = Uint32Array;

interface Needles {
  sets: Bytes[][];
  /** The most bytes before a needle … */
  before: number;
  /** … unless there are only these. */
  through: Bytes | undefined;
}

function has(set: Bytes, byte: number): boolean {
  return (set[byte >> 5] >>> (byte & 31) & 1) === 1;
}

/** Reads the format of `wasm/scanner/needles.ts`. */
function read(words: Uint32Array): Needles {
  const [count, before, unbounded] = words;
  const sets: Bytes[][] = [];
  let at = 11;
  for (let i = 0; i < count; i++) {
    const length = words[at];
    const [window, rarest] = words.subarray(at + 1, at + 3);
    assert(window < length && (rarest & 0xffff) < length);
    assert(rarest >>> 16 < length);
    at += 3;
    sets.push(
      Array.from({ length }, (_, n) => words.slice(at + 8 * n, at + 8 * n + 8)),
    );
    at += 8 * length;
  }
  assertEquals(at, words.length);
  return { sets, before, through: unbounded ? words.slice(3, 11) : undefined };
}

/** Whether a needle stands in a match, as near to its beginning as was said. */
function isHeld({ sets, before, through }: Needles, match: number[]): boolean {
  return sets.some((needle) => {
    for (let at = 0; at + needle.length <= match.length; at++) {
      const stands = needle.every((set, i) => has(set, match[at + i]));
      const near = at <= before ||
        through && match.slice(0, at).every((byte) => has(through, byte));
      if (stands && near) return true;
    }
    return false;
  });
}

function bytesOf(characters: number[]): number[] {
  const text = String.fromCodePoint(...characters);
  return charactersOf(text, false).flatMap(bytesOfUnit);
}

Deno.test("needle: every match has a needle, no farther from its beginning than the needle tells", () => {
  let held = 0;
  for (let i = 0; i < 20_000; i++) {
    const random = new Random(first + i);
    const { source, flags } = randomPattern(random);
    const unicode = flags.includes("u");
    let node: Node;
    try {
      node = flatten(parse(new RegExp(source, flags)));
    } catch (error) {
      if (error instanceof NotRegular) continue;
      throw error;
    }
    const words = needlesOf(node, unicode);
    if (words === undefined) continue;
    const needles = read(words);
    const text = charactersOf(randomText(random, 20), unicode);
    for (let from = 0; from <= text.length; from++) {
      for (const end of endsOf(node, text, from)) {
        const match = text.slice(from, end);
        held++;
        assert(
          isHeld(needles, bytesOf(match)),
          `/${source}/${flags} has ${match} (seed ${first + i})`,
        );
      }
    }
  }
  assert(held > 100, `only ${held} matches of patterns with needles`);
});

Deno.test("needle: the needles are a part of every match, and there are none if no part is", () => {
  const letters = (words: Uint32Array) =>
    read(words).sets.map((needle) =>
      needle.map((set) => {
        let text = "";
        for (let byte = 0; byte < 256; byte++) {
          if (has(set, byte)) text += String.fromCharCode(byte);
        }
        return text;
      }).join(" ")
    );
  const of = (pattern: RegExp) =>
    needlesOf(flatten(parse(pattern)), pattern.unicode);
  for (
    const [pattern, chosen, before] of [
      [/QZX/, ["Q Z X"], 0],
      [/a?QZX/, ["Q Z X"], 1],
      [/é{2}QZX/, ["Ã © Ã © Q Z X"], 0],
      [/QZX|~~#/, ["Q Z X", "~ ~ #"], 0],
      [/qzx/i, ["Qq Zz Xx"], 0],
      [/QZX\r?\n/, ["Q Z X"], 0],
      [/\n{4}QZX/, ["Q Z X"], 4],
      [/(?:a\r\n){3}QZX/, ["Q Z X"], 9],
      [/(?:QZX)+/, ["Q Z X"], 0],
    ] as const
  ) {
    const words = of(pattern);
    assert(words !== undefined, `${pattern} has none`);
    assertEquals(letters(words), [...chosen], `${pattern}`);
    assertEquals(words[1], before, `${pattern}`);
  }
  for (const pattern of [/[a-z]+/, /(?:QZX)?/, /QZX|a*/, /\n\n/, /^$/m]) {
    assertEquals(of(pattern), undefined, `${pattern}`);
  }
  // Any number of bytes before the needle, as long as none of them ends a line.
  const through = read(of(/Q.*QZX/)!).through!;
  assertEquals(has(through, 10), false);
  assertEquals(has(through, 32), true);
});
