import { exitCodes } from "../run/exit_codes.ts";
import { harmless } from "../scan/harmless.ts";
import { planSuite, type SuitePlan } from "../suite/plan_suite.ts";
import { programWords } from "../suite/program.ts";
import { titleOf } from "../suite/results.ts";
import { runPlan } from "../suite/run_suite.ts";
import { shownSize } from "../suite/size.ts";
import type { Configuration } from "./configuration.ts";

/**
 * `vmwright test`.
 *
 * @param configuration What to run.
 * @param print Writes to standard output.
 * @returns The exit status.
 */
export async function test(
  { suite: given }: Configuration,
  print: (text: string) => void,
): Promise<number> {
  const { list, watch, ...options } = given!;
  const program = programWords(Deno.mainModule);
  if (watch && !list) {
    const { watchSuite } = await import("../suite/watch_suite.ts");
    return await watchSuite(options, program);
  }
  const plan = await planSuite(options);
  if (list) {
    print(listed(plan));
    return exitCodes.passed;
  }
  const { exitCode } = await runPlan(plan, options, program);
  return exitCode;
}

/** The tests, what each takes, and its tags. */
function listed({ entries }: SuitePlan): string {
  const rows = entries.map(({ test, needs }) => [
    titleOf(test),
    needs.duration === undefined ? "-" : `${needs.duration.toFixed(1)} s`,
    shownSize(needs.memory),
    test.skip === undefined ? test.tags.join(",") : `skipped: ${test.skip}`,
  ]);
  const widths = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => row[column].length))
  );
  return rows.map(([name, duration, memory, rest]) =>
    harmless(
      `${name.padEnd(widths[0])}  ${duration.padStart(widths[1])}  ${
        memory.padStart(widths[2])
      }  ${rest}`.trimEnd(),
    ) + "\n"
  ).join("");
}
