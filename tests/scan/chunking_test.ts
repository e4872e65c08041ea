import { Scanner } from "../../src/scan/mod.ts";
import { randomBytes, randomPattern } from "./pattern_case.ts";
import { Random, seed } from "./random.ts";

// Long texts go other ways through the scanner than short ones: from needle to
// needle, in four lanes, in skips. A byte at a time goes through none of them,
// and is what pattern_differential_test.ts compares with V8.

const logPatterns = [
  /login: /,
  /^node\d login: $/m,
  /Startup.*finished/,
  /kernel PANIC/i,
  /panic|emergency|Oops/,
  /\b[0-9a-f]{8}\b/,
  /[a-z]+\d{2}[a-z]/,
  /(?:\w+)+@/,
  /error[^]*fatal/,
  /"[^"]*"/,
  /\s{3}/,
  /é+|\u2028/,
  /^$/m,
  /\r\n/,
  /login:\s+\w/,
  /[^]{30}x/,
  /k$/m,
];
const words = [
  "node1 login: ",
  "login:",
  "Startup",
  " finished",
  "Kernel panic",
  "emergency",
  "deadbeef",
  "ab12cd",
  "user@host",
  "error",
  "fatal",
  '"quoted text"',
  "    ",
  "ééé",
  "\u2028",
  "\n",
  "\n",
  "\r\n",
  "\r\n",
  "\n\n",
  "\r",
  "k\n",
  "😀",
  " x ",
  ". ",
  "0",
];

function text(random: Random): Uint8Array<ArrayBuffer> {
  const length = random.pick([2000, 9000, 70_000]);
  const rare = random.pick([2, 8, 200]);
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  const filler = encoder.encode(random.pick(["some words here ", "a", "0f "]));
  while (bytes.length < length) {
    if (random.oneIn(rare)) bytes.push(...encoder.encode(random.pick(words)));
    else if (random.oneIn(40)) bytes.push(10);
    else if (random.oneIn(200) && rare < 200) {
      bytes.push(...randomBytes(random, 20));
    } else bytes.push(...filler.subarray(0, 1 + random.below(filler.length)));
  }
  return Uint8Array.from(bytes);
}

/** Some of the text, so that literals overlap. */
function phrase(random: Random, bytes: Uint8Array): RegExp {
  const at = random.below(bytes.length);
  const some = bytes.subarray(at, at + 2 + random.below(24));
  return new RegExp(RegExp.escape(new TextDecoder().decode(some)));
}

function find(
  patterns: RegExp[],
  bytes: Uint8Array,
  skipCarriageReturns: boolean,
  size: () => number,
): string {
  using scanner = new Scanner({ skipCarriageReturns });
  for (const pattern of patterns) scanner.add(pattern);
  const found: string[][] = [];
  for (let at = 0; at < bytes.length;) {
    const next = at + size();
    found.push(inWords(scanner.scan(bytes.subarray(at, next))));
    at = next;
  }
  found.push(inWords(scanner.finish()));
  return found.flat().sort().join("\n");
}

function inWords(matches: { id: number; end: number }[]): string[] {
  return matches.map(({ id, end }) => `${String(end).padStart(8)} ${id}`);
}

const cases = Deno.args.includes("--long") || Deno.env.has("VMWRIGHT_LONG")
  ? 2000
  : 60;

Deno.test("Scanner finds the same however a long stream is cut", () => {
  const first = seed();
  console.log(`seed: ${first} (run again with SEED=${first})`);
  for (let i = 0; i < cases; i++) {
    const random = new Random(first + i);
    const bytes = text(random);
    const skip = random.oneIn(2);
    const patterns = Array.from(
      { length: random.pick([1, 1, 2, 5]) },
      () => {
        if (random.oneIn(3)) return phrase(random, bytes);
        if (!random.oneIn(4)) return random.pick(logPatterns);
        const { source, flags } = randomPattern(random);
        return new RegExp(source, flags);
      },
    );
    const expected = find(patterns, bytes, skip, () => 1);
    for (const size of [bytes.length, 4096, 1 + random.below(3000)]) {
      const actual = find(patterns, bytes, skip, () => size);
      if (actual !== expected) {
        const lines = [expected.split("\n"), actual.split("\n")];
        const at = lines[0].findIndex((line, i) => line !== lines[1][i]);
        throw new Error(
          `case ${i} of seed ${first}: ${patterns} on ${bytes.length} bytes in chunks of ${size}: ` +
            `expected ${lines[0].slice(at, at + 3)}, got ${
              lines[1].slice(at, at + 3)
            }`,
        );
      }
    }
    const mixed = find(patterns, bytes, skip, () => random.below(200));
    if (mixed !== expected) {
      throw new Error(
        `case ${i} of seed ${first}: ${patterns} in random chunks`,
      );
    }
  }
});

Deno.test("Scanners that take turns find what each finds alone", () => {
  const first = seed();
  console.log(`seed: ${first} (run again with SEED=${first})`);
  for (let i = 0; i < cases; i++) {
    const random = new Random(first + i);
    const streams = Array.from({ length: 2 + random.below(3) }, () => {
      const bytes = text(random).subarray(0, 9000);
      const patterns = Array.from(
        { length: 1 + random.below(4) },
        () => random.pick(logPatterns),
      );
      const scanner = new Scanner();
      for (const pattern of patterns) scanner.add(pattern);
      return { bytes, patterns, scanner, at: 0, found: [] as string[][] };
    });
    for (let going = streams; going.length > 0;) {
      const stream = random.pick(going);
      const { scanner, bytes, found } = stream;
      const next = stream.at + random.below(300);
      found.push(inWords(scanner.scan(bytes.subarray(stream.at, next))));
      stream.at = next;
      going = streams.filter(({ at, bytes }) => at < bytes.length);
    }
    for (const { scanner, bytes, patterns, found } of streams) {
      found.push(inWords(scanner.finish()));
      scanner[Symbol.dispose]();
      const words = found.flat().sort().join("\n");
      if (words === find(patterns, bytes, false, () => 300)) continue;
      throw new Error(`case ${i} of seed ${first}: ${patterns}`);
    }
  }
});
