import { makeReport } from "../report/make_report.ts";
import { exitCodes } from "../run/exit_codes.ts";
import { harmless } from "../scan/harmless.ts";
import type { Configuration } from "./configuration.ts";

/**
 * `vmwright report EVENTS…` and `vmwright report DIR…`
 *
 * @param configuration What to read and to write.
 * @returns The exit status.
 */
export async function report(configuration: Configuration): Promise<number> {
  const { eventFiles, suiteParts, outDir, html } = configuration;
  if (suiteParts !== undefined) return await parts(configuration);
  await Deno.mkdir(outDir, { recursive: true });
  for (const file of await makeReport(eventFiles!, html!)) {
    console.error(
      `vmwright: ${file} ends in the middle of a line: its driver was killed, or still writes`,
    );
  }
  console.log(html);
  return exitCodes.passed;
}

async function parts(
  { suiteParts, outDir, html, junitXml, history, failOnFlaky }: Configuration,
): Promise<number> {
  const { reportParts } = await import("../suite/report_parts.ts");
  const { summaryOf } = await import("../suite/summary.ts");
  const { results, outcome, notes } = await reportParts(suiteParts!, {
    directory: outDir,
    html,
    junit: junitXml,
    history,
    failOnFlaky,
  });
  console.error(summaryOf(results, outDir).trim());
  for (const note of notes) console.error(`vmwright: ${harmless(note)}`);
  console.log(html);
  return outcome.passed ? exitCodes.passed : exitCodes.failed;
}
