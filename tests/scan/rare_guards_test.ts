import { assert, assertEquals } from "@std/assert";
import { Scanner } from "../../src/scan/mod.ts";
import { Random, seed } from "./random.ts";

// What random patterns and texts hardly ever come upon: a cache of states that
// is full, a pattern that is freed while a state knows of it, line ends within
// what stands before a needle.

const encoder = new TextEncoder();

Deno.test("the text before a needle may have carriage returns in it", () => {
  const cases: [RegExp, string][] = [
    [/\n{4}needle/, "x\r\n\r\n\r\n\r\nneedle"],
    [/a\n{6}needle/, "xa\r\n\r\n\r\n\r\n\r\n\r\nneedle"],
    [/(?:a\n){5}needle/, "xa\r\na\r\na\r\na\r\na\r\nneedle"],
    [/q\n[a-c\n]*needle/, "q\r\nabc\r\n\r\nab\r\nneedle"],
    [/(?:z\n|y\n){3}(?:needle|thread)/, "z\r\ny\r\nz\r\nthread"],
  ];
  for (const [pattern, text] of cases) {
    for (const before of [0, 1, 15, 3000]) {
      for (const skipCarriageReturns of [true, false]) {
        using scanner = new Scanner({ skipCarriageReturns });
        scanner.add(pattern);
        const filler = "-".repeat(before);
        const bytes = encoder.encode(
          filler + (skipCarriageReturns ? text : text.replaceAll("\r", "")),
        );
        const ends = [...scanner.scan(bytes), ...scanner.finish()]
          .map(({ end }) => end);
        assertEquals(ends, [bytes.length], `${pattern} after ${before}`);
      }
    }
  }
});

/** Parts of a text, each of which takes other states of a pattern. */
function random(length: number, letters: string, numbers: Random): string {
  let text = "";
  while (text.length < length) text += numbers.pick([...letters]);
  return text;
}

/** A pattern of many states, and how its text is made of parts. */
const full: {
  name: string;
  pattern: RegExp;
  part: (numbers: Random) => string;
  parts: number;
}[] = [
  {
    name: "at every byte",
    pattern: /a[ab]{16}c/,
    part: (numbers) => random(1000, "aabbabbabbabbabbabbababc", numbers),
    parts: 300,
  },
  {
    name: "now and then",
    pattern: /a[ab]{16}c/,
    part: (numbers) =>
      random(200, "ababababababababababababc", numbers) + "ac".repeat(2500),
    parts: 500,
  },
  {
    name: "in four lanes",
    pattern: /a[ab]{16}c/,
    part: (numbers) =>
      random(150, "ababababababababababababc", numbers) + "\n" +
      `${"ac".repeat(100)}\n`.repeat(12),
    parts: 800,
  },
  {
    name: "behind a needle",
    pattern: /QZX[ab]*?a[ab]{16}c/,
    part: (numbers) =>
      `QZX${random(300, "ab", numbers)}c` + " some words here".repeat(250),
    parts: 600,
  },
  {
    name: "behind each of some needles",
    pattern: /(?:QZX|XQK|KXZ|ZZJ)[ab]*?a[ab]{16}c/,
    part: (numbers) =>
      `${numbers.pick(["QZX", "XQK", "KXZ", "ZZJ"])}` +
      `${random(300, "ab", numbers)}c` + " some words here".repeat(250),
    parts: 600,
  },
];

for (const { name, pattern, part, parts } of full) {
  Deno.test(`Scanner finds what V8 finds where its cache is emptied ${name}`, () => {
    const first = seed();
    console.log(`seed: ${first} (run again with SEED=${first})`);
    const numbers = new Random(first);
    const text = Array.from({ length: parts }, () => part(numbers)).join("");
    const expected = [...text.matchAll(new RegExp(pattern, "g"))]
      .map(({ index, 0: { length } }) => index + length);
    assert(expected.length > 50);
    const bytes = encoder.encode(text);
    for (const size of [bytes.length, 4096, 977]) {
      using scanner = new Scanner();
      const id = scanner.add(pattern);
      // Never there, and another one's state.
      scanner.add(/QZX#/);
      const ends: number[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        for (const match of scanner.scan(bytes.subarray(at, at + size))) {
          assertEquals(match.id, id);
          ends.push(match.end);
        }
      }
      assertEquals(ends, expected, `in chunks of ${size}`);
    }
  });
}

Deno.test("a match at the very byte that fills the cache is reported", () => {
  const first = seed();
  console.log(`seed: ${first} (run again with SEED=${first})`);
  const numbers = new Random(first);
  // One makes the states, and the others match at every other byte.
  const patterns = [/QZX[ab]*?a[ab]{16}c/];
  for (let n = 1; n < 45; n++) patterns.push(new RegExp(`QZX[ab]{${n}}`));
  const text = Array.from(
    { length: 8000 },
    () => `QZX${random(45, "ab", numbers)}c` + " some words here".repeat(3),
  ).join("");
  using scanner = new Scanner();
  const ids = patterns.map((pattern) => scanner.add(pattern));
  const found = new Map(ids.map((id) => [id, [] as number[]]));
  for (const { id, end } of scanner.scan(encoder.encode(text))) {
    found.get(id)!.push(end);
  }
  patterns.forEach((pattern, number) => {
    const expected = [...text.matchAll(new RegExp(pattern, "g"))]
      .map(({ index, 0: { length } }) => index + length);
    assertEquals(found.get(ids[number])!.length, expected.length);
    assertEquals(found.get(ids[number]), expected, `${pattern}`);
  });
});

Deno.test("a pattern that was freed after its match hides no other one", () => {
  for (const gone of [/b/, /ab/, /b$/m, /\bab/]) {
    using scanner = new Scanner();
    const first = scanner.add(gone);
    scanner.scan(encoder.encode("ab"));
    scanner.delete(first);
    // Freed here.
    scanner.scan(encoder.encode(""));
    const ids = Array.from({ length: 8 }, () => scanner.add(/$/m));
    assertEquals(
      scanner.scan(encoder.encode("\n")).map(({ id, end }) => [id, end]),
      ids.map((id) => [id, 2]),
    );
  }
});

Deno.test("a match at a place is reported once, even when other patterns are added", () => {
  for (const pattern of [/a|$/m, /a\b|a|\b/, /(?:)|$/m]) {
    const ends = (others: boolean) => {
      using scanner = new Scanner();
      const id = scanner.add(pattern);
      const found: number[] = [];
      for (const text of ["xa", "", "\n", "b", "a", " "]) {
        for (const match of scanner.scan(encoder.encode(text))) {
          if (match.id === id) found.push(match.end);
        }
        if (others) scanner.delete(scanner.add(/zzz/));
        if (others) scanner.add(/never/);
      }
      return found;
    };
    assertEquals(ends(true), ends(false), String(pattern));
  }
});
