import {
  ByteFinder,
  FrameCutter,
  harmless,
  LineSplitter,
  Scanner,
} from "../../src/scan/mod.ts";
import { randomPattern } from "./pattern_case.ts";
import { Random, seed } from "./random.ts";

const rounds = Deno.args.includes("--long") || Deno.env.has("VMWRIGHT_LONG")
  ? 20_000
  : 500;

// A trap, or an access out of bounds, throws a WebAssembly.RuntimeError; what is
// found is the business of the other tests.
Deno.test("no bytes, patterns or chunks trap the scanner", () => {
  const first = seed();
  console.log(`seed: ${first} (run again with SEED=${first})`);
  for (let i = 0; i < rounds; i++) {
    const random = new Random(first + i);
    const length = random.oneIn(20)
      ? 70_000
      : random.pick([0, 1, 15, 16, 17, 100, 1000]);
    const bytes = random.bytes(length);
    if (random.oneIn(2)) {
      for (let at = 0; at < length; at++) bytes[at] &= 0x7f;
    }
    const chunks = length > 5000 ? [bytes] : random.chunks(bytes);
    const patterns = Array.from({ length: 1 + random.below(12) }, () => {
      const { source, flags } = randomPattern(random);
      return new RegExp(source, flags);
    });
    const limits = {
      maxFrame: 1 + random.below(300),
      maxDepth: 1 + random.below(20),
    };
    const needle = bytes.slice(0, random.below(20));
    try {
      using scanner = new Scanner({ skipCarriageReturns: random.oneIn(2) });
      using splitter = new LineSplitter();
      using cutter = new FrameCutter(limits);
      using finder = new ByteFinder(needle);
      const ids: number[] = [];
      for (const chunk of chunks) {
        if (random.oneIn(3)) {
          const text = length < 5000 && random.oneIn(3);
          ids.push(scanner.add(random.pick(patterns), { text }));
        }
        if (random.oneIn(5) && ids.length > 0) scanner.delete(random.pick(ids));
        scanner.scan(chunk);
        splitter.push(chunk);
        cutter.push(chunk);
        finder.find(chunk, random.below(chunk.length + 2));
      }
      scanner.finish();
      splitter.finish();
      harmless(new TextDecoder().decode(bytes));
    } catch (error) {
      throw new Error(
        `round ${i} of seed ${first}: ${error}; ${patterns.join(" ")}`,
        { cause: error },
      );
    }
  }
});
