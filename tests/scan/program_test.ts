import { assertEquals } from "@std/assert";
import { bytesOfUnit } from "../../src/scan/bytes.ts";
import { compileWhole } from "../../src/scan/program.ts";
import { leftmostStart } from "../../src/scan/leftmost.ts";
import * as words from "../../src/scan/program.ts";
import { type Assertion, NotRegular, parse } from "../../src/scan/syntax.ts";
import { randomPattern, randomText } from "./pattern_case.ts";
import { Random, seed } from "./random.ts";
import { charactersOf, endsOf, holds } from "./reference.ts";

// The parser beside V8, then the automaton beside the parser's node, then the
// search for a start beside the automaton's ends.

const first = seed();
console.log(`seed: ${first} (run again with SEED=${first})`);

interface Sample {
  name: string;
  pattern: RegExp;
  text: string;
  unicode: boolean;
}

function* cases(count: number): Generator<Sample> {
  for (let i = 0; i < count; i++) {
    const random = new Random(first + i);
    const { source, flags } = randomPattern(random);
    const pattern = new RegExp(source, flags.replace("y", ""));
    const text = randomText(random, 12);
    try {
      parse(pattern);
    } catch (error) {
      if (error instanceof NotRegular) continue;
      throw error;
    }
    const name = `${pattern} on ${JSON.stringify(text)} (seed ${first + i})`;
    yield { name, pattern, text, unicode: pattern.unicode };
  }
}

/** Where an automaton of bytes ends that starts at a character, by its words. */
function endsOfProgram(
  program: Uint32Array,
  text: readonly number[],
  from: number,
): number[] {
  const ends: number[] = [];
  let nodes = closure(program, [program[1]], text, from);
  for (let at = from;; at++) {
    if (nodes.some((node) => program[program[3 + node]] === words.match)) {
      ends.push(at);
    }
    if (at === text.length) return ends;
    const units = String.fromCodePoint(text[at]);
    const bytes = Array.from({ length: units.length }, (_, i) => i)
      .flatMap((i) => bytesOfUnit(units.charCodeAt(i)));
    for (const byte of bytes) {
      nodes = nodes.flatMap((node) => targets(program, node, byte));
      // Between the bytes of a character nothing but ranges comes.
    }
    nodes = closure(program, nodes, text, at + 1);
  }
}

function targets(program: Uint32Array, node: number, byte: number): number[] {
  const address = program[3 + node];
  const head = program[address];
  if ((head & 0xff) !== words.ranges) return [];
  const found: number[] = [];
  for (let i = 0; i < head >> 8; i++) {
    const bounds = program[address + 1 + 2 * i];
    if (byte >= (bounds & 0xff) && byte <= bounds >> 8) {
      found.push(program[address + 2 + 2 * i]);
    }
  }
  return found;
}

function closure(
  program: Uint32Array,
  from: readonly number[],
  text: readonly number[],
  at: number,
): number[] {
  const reached = new Set<number>();
  const visit = (node: number) => {
    if (reached.has(node)) return;
    reached.add(node);
    const address = program[3 + node];
    const head = program[address];
    if ((head & 0xff) === words.split) {
      for (let i = 1; i <= head >> 8; i++) visit(program[address + i]);
    } else if ((head & 0xff) === words.assertion) {
      const kind: Assertion = head >> 8;
      if (holds(kind, text, at)) visit(program[address + 1]);
    }
  };
  for (const node of from) visit(node);
  return [...reached];
}

Deno.test("syntax: a parsed pattern matches what V8 says", () => {
  for (const { name, pattern, text, unicode } of cases(3000)) {
    const characters = charactersOf(text, unicode);
    const node = parse(pattern);
    // What V8 does not look at before the rest of a pattern, see pattern_case.ts.
    if (/\^/.test(pattern.source)) continue;
    const whole = new RegExp(
      `(?:${pattern.source})(?![^])`,
      pattern.flags + "y",
    );
    let index = 0;
    for (let from = 0; from <= characters.length; from++) {
      whole.lastIndex = index;
      const within = unicode && /^[\udc00-\udfff]/.test(text.slice(index));
      if (!within) {
        assertEquals(
          endsOf(node, characters, from).has(characters.length),
          whole.test(text),
          `${name} from ${from}`,
        );
      }
      index += characters[from] > 0xffff ? 2 : 1;
    }
  }
});

Deno.test("program: an automaton ends where its pattern does", () => {
  for (const { name, pattern, text, unicode } of cases(3000)) {
    const characters = charactersOf(text, unicode);
    const node = parse(pattern);
    const program = compileWhole(pattern);
    for (let from = 0; from <= characters.length; from++) {
      assertEquals(
        endsOfProgram(program, characters, from),
        [...endsOf(node, characters, from)].sort((a, b) => a - b),
        `${name} from ${from}`,
      );
    }
  }
});

Deno.test("leftmost: the start is the first from which the pattern gets to the end", () => {
  for (const { name, pattern, text, unicode } of cases(3000)) {
    const characters = charactersOf(text, unicode);
    const node = parse(pattern);
    const program = compileWhole(pattern);
    const around = { text, from: 0, sticky: false, first: true } as const;
    let index = 0;
    let expected = -1;
    for (let from = 0; from <= characters.length && expected < 0; from++) {
      const ends = endsOf(node, characters, from);
      if (ends.has(characters.length)) expected = index;
      index += characters[from] > 0xffff ? 2 : 1;
    }
    assertEquals(
      leftmostStart(program, { ...around, next: "end" }),
      expected,
      name,
    );
  }
});
