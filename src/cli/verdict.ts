import { GlobalTimeout } from "../driver/mod.ts";
import type { Verdict } from "../report/mod.ts";
import { describeFailure, type Script, ScriptExit } from "../script/mod.ts";
import type { Configuration } from "./configuration.ts";
import { exitCodes } from "./exit_codes.ts";
import { Interruption } from "./interruption.ts";
import { TypeErrors } from "./type_check.ts";

/** How a run ended, in words and as an exit status. */
export interface Judgement {
  /** In words. */
  readonly verdict: Verdict;
  /** As an exit status. */
  readonly exitCode: number;
}

/** Judges a run by what ended it; `undefined` if nothing went wrong. */
export function judge(failure: unknown): Judgement {
  if (failure === undefined) {
    return { verdict: "passed", exitCode: exitCodes.passed };
  }
  if (failure instanceof Interruption) {
    return { verdict: "interrupted", exitCode: failure.exitCode };
  }
  if (failure instanceof GlobalTimeout) {
    return { verdict: "timeout", exitCode: exitCodes.timeout };
  }
  if (failure instanceof ScriptExit) {
    return {
      verdict: failure.code === 0 ? "passed" : "failed",
      exitCode: failure.code,
    };
  }
  return { verdict: "failed", exitCode: exitCodes.failed };
}

/** Whether a run came to an end that somebody will ask about. */
export function isFailure({ verdict }: Judgement): boolean {
  return verdict === "failed" || verdict === "timeout";
}

/**
 * Tells a person why a run did not pass.
 *
 * @param failure What ended it.
 * @param steps What it was doing, innermost first.
 * @param configuration What was to be run.
 * @param script The script.
 */
export function explain(
  failure: unknown,
  steps: readonly string[],
  configuration: Configuration,
  script: Script | undefined,
): string {
  if (failure instanceof TypeErrors) {
    return `${failure.detail}\n${failure.message}; --no-check runs it all the same`;
  }
  return describeFailure(failure, {
    scriptUrl: script?.url ?? "",
    scriptName: script?.name ?? "",
    scriptText: script?.path === undefined ? script?.readText() : undefined,
    steps,
    artifacts: configuration.html ?? configuration.outDir,
  });
}
