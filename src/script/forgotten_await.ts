import { TestFailure } from "../errors.ts";
import type { UnfinishedStep } from "./step_trail.ts";

/**
 * Makes the failure of a script that has ended before steps that it has begun.
 *
 * @param steps The steps.
 * @returns The failure, which shows where the first step began.
 */
export function forgottenAwait(steps: readonly UnfinishedStep[]): TestFailure {
  const whats = steps.map(({ what }) => what).join("; ");
  const failure = new TestFailure(
    `an await seems to be missing: at the script's end this was under way: ${whats}`,
  );
  const frames = /^\s+at [^]*/m.exec(steps[0].beginning?.stack ?? "");
  if (frames !== null) {
    failure.stack = `${failure.name}: ${failure.message}\n${frames[0]}`;
  }
  return failure;
}
