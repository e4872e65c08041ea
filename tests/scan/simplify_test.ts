import { assertEquals } from "@std/assert";
import { flatten, shortest, trimStart } from "../../src/scan/simplify.ts";
import { type Node, NotRegular, parse } from "../../src/scan/syntax.ts";
import { randomPattern, randomText } from "./pattern_case.ts";
import { Random, seed } from "./random.ts";
import { charactersOf, endsOf } from "./reference.ts";

// The stage after the parser: a simpler node has to match the same.

const first = seed();
console.log(`seed: ${first} (run again with SEED=${first})`);

/** Random nodes with texts, as characters. */
function* cases(count: number): Generator<[string, Node, number[]]> {
  for (let i = 0; i < count; i++) {
    const random = new Random(first + i);
    const { source, flags } = randomPattern(random);
    const unicode = flags.includes("u");
    const text = charactersOf(randomText(random, 12), unicode);
    try {
      const node = parse(new RegExp(source, flags));
      yield [`/${source}/${flags} on ${text} (seed ${first + i})`, node, text];
    } catch (error) {
      if (!(error instanceof NotRegular)) throw error;
    }
  }
}

function ends(node: Node, text: number[], from: number): number[] {
  return [...endsOf(node, text, from)].sort((a, b) => a - b);
}

Deno.test("simplify: a flat node ends where it did", () => {
  for (const [name, node, text] of cases(3000)) {
    const flat = flatten(node);
    for (let from = 0; from <= text.length; from++) {
      assertEquals(ends(flat, text, from), ends(node, text, from), name);
    }
  }
});

Deno.test("simplify: what is left of a pattern's beginning ends where the pattern does", () => {
  for (const [name, node, text] of cases(3000)) {
    const trimmed = trimStart(flatten(node));
    const anywhere = (node: Node) => {
      const all = new Set<number>();
      for (let from = 0; from <= text.length; from++) {
        for (const end of endsOf(node, text, from)) all.add(end);
      }
      return [...all].sort((a, b) => a - b);
    };
    assertEquals(anywhere(trimmed), anywhere(node), name);
  }
});

Deno.test("simplify: no match is shorter than the shortest", () => {
  for (const [name, node, text] of cases(3000)) {
    for (let from = 0; from <= text.length; from++) {
      for (const end of endsOf(node, text, from)) {
        assertEquals(end - from >= shortest(node), true, name);
      }
    }
  }
});

Deno.test("simplify: a pattern's beginning and its shortest match, case by case", () => {
  const { raw } = String;
  const table: [source: string, trimmed: string, shortest: number][] = [
    [raw`a*b`, "b", 1],
    [raw`a+b`, "ab", 2],
    [raw`a{3,5}b`, "aa{2}b", 4],
    [raw`(?:a|bc)d`, "(?:a|bc)d", 2],
    [raw`(?:a*|b)c`, "(?:|b)c", 1],
    [raw`^a*`, "^a*", 0],
    [raw`a?`, "", 0],
    [raw`\r*\n\r*x`, raw`\n\r*x`, 2],
  ];
  for (const [source, left, length] of table) {
    const node = flatten(parse(new RegExp(source)));
    assertEquals(
      trimStart(node),
      flatten(parse(new RegExp(`(?:${left})`))),
      source,
    );
    assertEquals(shortest(node), length, source);
  }
});
