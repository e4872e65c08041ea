import { disagreement, randomCase, shrink } from "./pattern_case.ts";
import { Random, seed } from "./random.ts";

const long = Deno.args.includes("--long") || Deno.env.has("VMWRIGHT_LONG");
const cases = long ? 200_000 : 10_000;

Deno.test(`Scanner finds what V8 finds in ${cases} random cases`, () => {
  const first = seed();
  console.log(`seed: ${first} (run again with SEED=${first})`);
  for (let i = 0; i < cases; i++) {
    const test = randomCase(new Random(first + i));
    const reason = disagreement(test);
    if (reason === undefined) continue;
    const small = shrink(test);
    throw new Error(
      `case ${i} of seed ${first}: ${disagreement(small)}\n${
        JSON.stringify(small)
      }`,
    );
  }
});
