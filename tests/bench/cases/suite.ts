import type { SuiteResults } from "../../../src/suite/results.ts";
import { guest } from "../../guests/mod.ts";
import { timed } from "../clock.ts";
import type { Part } from "../part.ts";

const root = new URL("../../../", import.meta.url).pathname;
const program = [
  ...["run", "-A", "--no-check", "--v8-flags=--max-semi-space-size=4"],
  `${root}cli.ts`,
];

/** MiB of memory that the tests with machines have together. */
const BUDGET = 1536;

/** Many tests by one command, compared with a loop and with the optimum. */
export const suite: Part = {
  name: "suite",
  async run({ longRounds, suiteTests, standIns }, tell) {
    const { startScript } = await guest("tiny");
    const workers = Math.min(2, navigator.hardwareConcurrency);
    const ours: number[] = [], ideal: number[] = [], loop: number[] = [];
    const peak: number[] = [], each: number[] = [];
    for (let round = 0; round < longRounds; round++) {
      const directory = await Deno.makeTempDir({ prefix: "vmwright-bench-" });
      try {
        await Deno.writeTextFile(
          `${directory}/test.js`,
          `await machine.succeed("true");\n`,
        );
        await Deno.writeTextFile(`${directory}/none.js`, "");
        const args = ["--workers", `${workers}`, "--memory", `${BUDGET}M`];
        const whole = await runSuite(directory, suiteTests, args, {
          startScripts: [startScript],
          script: "test.js",
        });
        ours.push(whole.took);
        const { tests, budget } = whole.results;
        const own = tests.reduce((sum, { duration }) => sum + duration, 0);
        ideal.push(own * 1000 / workers);
        peak.push(budget.peak / 2 ** 20);
        loop.push(
          await timed(async () => {
            for (let number = 0; number < suiteTests; number++) {
              await run(directory, [
                ...["--start-scripts", startScript, "-o", "loop"],
                ...["--", "test.js"],
              ]);
            }
          }),
        );
        const empty = await runSuite(directory, standIns, args, {
          script: "none.js",
        });
        each.push(empty.took / standIns);
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    }
    tell({
      name: `${suiteTests} tests of one machine, ${workers} at a time`,
      unit: "ms",
      ours,
      other: ideal,
      against: "their own times over the workers",
      aim: { share: 1.15 },
    });
    tell({
      name: `the same ${suiteTests} tests`,
      unit: "ms",
      ours,
      other: loop,
      against: "a loop over them",
    });
    tell({
      name: "their memory at most",
      unit: "MiB",
      ours: peak,
      other: peak.map(() => BUDGET),
      against: "the budget",
      aim: { share: 1 },
    });
    tell({
      name: `each of ${standIns} tests without a machine`,
      unit: "ms",
      ours: each,
    });
  },
};

/** Runs a suite of the same test many times; answers how long it took. */
async function runSuite(
  directory: string,
  count: number,
  args: readonly string[],
  test: Record<string, unknown>,
): Promise<{ took: number; results: SuiteResults }> {
  await Deno.writeTextFile(
    `${directory}/suite.json`,
    JSON.stringify({ tests: { test } }),
  );
  const took = await timed(() =>
    run(directory, [
      ...["test", "suite.json", "--repeat", `${count}`, "-o", "out"],
      ...args,
    ])
  );
  const text = await Deno.readTextFile(`${directory}/out/suite.json`);
  return { took, results: JSON.parse(text) };
}

async function run(directory: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...program, ...args],
    cwd: directory,
    stdout: "null",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
