import { assertEquals, assertThrows } from "@std/assert";
import { ByteFinder } from "../../src/scan/mod.ts";
import { Random, seed } from "./random.ts";

const encoder = new TextEncoder();

function find(needle: string, haystack: string, from?: number): number {
  using finder = new ByteFinder(encoder.encode(needle));
  return finder.find(encoder.encode(haystack), from);
}

Deno.test("ByteFinder finds the first occurrence at or after an offset", () => {
  assertEquals(find("bc", "abcbc"), 1);
  assertEquals(find("bc", "abcbc", 2), 3);
  assertEquals(find("bc", "abcbc", 4), -1);
  assertEquals(find("bd", "abcbc"), -1);
  assertEquals(find("abcd", "abc"), -1);
});

Deno.test("ByteFinder finds nothing everywhere", () => {
  assertEquals(find("", "ab"), 0);
  assertEquals(find("", "ab", 2), 2);
  assertEquals(find("", "ab", 3), -1);
});

Deno.test("ByteFinder finds what lies across the pieces that it takes", () => {
  const haystack = new Uint8Array(200_000).fill(97);
  const needle = encoder.encode("xaay");
  using finder = new ByteFinder(needle);
  for (const at of [65532, 65533, 65534, 65535, 65536, 131_069, 199_996]) {
    haystack.fill(97);
    haystack.set(needle, at);
    assertEquals(finder.find(haystack), at);
    assertEquals(finder.find(haystack, at + 1), -1);
  }
});

Deno.test("ByteFinder finds in random bytes what a naive search finds", () => {
  const first = seed();
  console.log(`seed: ${first} (run again with SEED=${first})`);
  for (let i = 0; i < 3000; i++) {
    const random = new Random(first + i);
    const letters = random.pick(["ab", "abc", "abcdefghij"]);
    const text = (most: number) =>
      Array.from(
        { length: random.below(most) },
        () => random.pick([...letters]),
      )
        .join("");
    const [needle, haystack] = [text(5), text(200)];
    const from = random.below(10);
    const expected = from > haystack.length
      ? -1
      : haystack.indexOf(needle, from);
    assertEquals(
      find(needle, haystack, from),
      expected,
      `case ${i} of ${first}`,
    );
  }
});

Deno.test("ByteFinder refuses more bytes than it can look for", () => {
  assertThrows(() => new ByteFinder(new Uint8Array(40_000)), RangeError);
});
