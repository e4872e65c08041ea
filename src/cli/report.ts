import { makeReport } from "../report/make_report.ts";
import { exitCodes } from "../run/exit_codes.ts";
import type { Configuration } from "./configuration.ts";

/**
 * `vmwright report EVENTS…`
 *
 * @param configuration What to read and to write.
 * @returns The exit status.
 */
export async function report(
  { eventFiles, html }: Configuration,
): Promise<number> {
  for (const file of await makeReport(eventFiles!, html!)) {
    console.error(
      `vmwright: ${file} ends in the middle of a line: its driver was killed, or still writes`,
    );
  }
  console.log(html);
  return exitCodes.passed;
}
