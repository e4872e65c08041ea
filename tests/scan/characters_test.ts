import { assertEquals } from "@std/assert";
import {
  all,
  type Characters,
  complement,
  digits,
  foldedWords,
  has,
  ignoreCase,
  lineTerminators,
  property,
  spaces,
  union,
  words,
} from "../../src/scan/characters.ts";
import { Random, seed } from "./random.ts";

// The first stage: sets of characters, beside sets of JavaScript and V8's classes.

const first = seed();
console.log(`seed: ${first} (run again with SEED=${first})`);

function membersOf(set: Characters): Set<number> {
  const members = new Set<number>();
  for (let i = 0; i < set.length; i += 2) {
    for (let at = set[i]; at <= set[i + 1]; at++) members.add(at);
  }
  return members;
}

/** Some ranges, joined as they come: unsorted and overlapping. */
function randomSets(random: Random): Characters[] {
  return Array.from({ length: random.below(6) }, () => {
    const low = random.below(60);
    return [low, low + random.below(8)];
  });
}

function assertIsSet(set: Characters): void {
  for (let i = 0; i + 1 < set.length; i++) {
    assertEquals(
      i % 2 === 0 ? set[i] <= set[i + 1] : set[i] + 1 < set[i + 1],
      true,
      `${set}`,
    );
  }
}

Deno.test("characters: union, complement and has are those of sets", () => {
  const random = new Random(first);
  for (let round = 0; round < 2000; round++) {
    const sets = randomSets(random);
    const joined = union(...sets);
    assertIsSet(joined);
    const members = new Set(sets.flatMap((set) => [...membersOf(set)]));
    assertEquals([...membersOf(joined)], [...members].sort((a, b) => a - b));
    const rest = complement(joined, round % 2 === 0);
    assertIsSet(rest);
    for (let one = 0; one < 80; one++) {
      assertEquals(has(joined, one), members.has(one), `${joined} has ${one}`);
      assertEquals(has(rest, one), !members.has(one), `${rest} has ${one}`);
    }
    assertEquals(complement(rest, round % 2 === 0), joined);
    assertEquals(union(rest, joined), all(round % 2 === 0));
  }
});

/** Every character that V8's class has, of those below U+3100 and some beyond. */
function* some(): Generator<number> {
  for (let one = 0; one < 0x3100; one++) yield one;
  yield* [0xa640, 0xab70, 0xfb05, 0xfb06, 0xfeff, 0xfffd, 0xffff];
  for (const one of [0x10400, 0x10428, 0x1f600, 0x10ffff]) yield one;
}

for (
  const [source, flags, set] of [
    ["\\d", "", digits],
    ["\\w", "", words],
    ["\\w", "iu", foldedWords],
    ["\\s", "", spaces],
    ["[\\n\\r\\u2028\\u2029]", "", lineTerminators],
    ["\\p{Lu}", "u", property("Lu")],
    ["\\p{Script=Greek}", "u", property("Script=Greek")],
    ["\\p{Emoji}", "u", property("Emoji")],
  ] as const
) {
  Deno.test(`characters: the set of /${source}/${flags} is V8's`, () => {
    const pattern = new RegExp(`^${source}$`, flags);
    for (const one of some()) {
      if (one > 0xffff && !flags.includes("u")) continue;
      assertEquals(
        has(set, one),
        pattern.test(String.fromCodePoint(one)),
        `U+${one.toString(16)}`,
      );
    }
  });
}

for (const flags of ["i", "iu"]) {
  Deno.test(`characters: what is equal with the flags ${flags} is what V8 says`, () => {
    const unicode = flags.includes("u");
    const random = new Random(first);
    const letters = [..."azAZksKS09_ßẞſéÉжЖσςΣıİǅǆǄµμÅåﬅﬆ"];
    for (let round = 0; round < 60; round++) {
      const points = Array.from(
        { length: 1 + random.below(3) },
        () => random.pick(letters).codePointAt(0)!,
      );
      const set = ignoreCase(
        union(...points.map((one) => [one, one])),
        unicode,
      );
      assertIsSet(set);
      const source = points.map((one) => String.fromCodePoint(one)).join("");
      const pattern = new RegExp(`^[${source}]$`, flags);
      for (const one of some()) {
        if (one > 0xffff && !unicode) continue;
        const text = String.fromCodePoint(one);
        assertEquals(has(set, one), pattern.test(text), `${pattern} ${text}`);
      }
    }
  });
}
