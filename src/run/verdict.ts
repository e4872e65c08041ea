import { GlobalTimeout } from "../driver/mod.ts";
import { SubtestFailures } from "../errors.ts";
import {
  describeError,
  type Position,
  type RunEvents,
  type Verdict,
} from "../report/mod.ts";
import {
  describeFailure,
  placeOfFailure,
  type Script,
  ScriptExit,
  type TypeDiagnostic,
} from "../script/mod.ts";
import type { Evidence } from "./evidence.ts";
import { exitCodes } from "./exit_codes.ts";
import { Interruption } from "./interruption.ts";
import type { Plan } from "./plan.ts";
import { shownDiagnostic, TypeErrors } from "./type_errors.ts";

/** What ended a run that did not pass: anything may be thrown, also `undefined`. */
export interface Failure {
  /** What was thrown. */
  readonly error: unknown;
  /** What the type checker says of the line that failed. */
  readonly findings?: readonly TypeDiagnostic[];
  /** What the machines tell. */
  readonly evidence?: Evidence;
  /** Made where the latest step began, for an error that leads nowhere. */
  readonly latestStep?: Error;
}

/** How a run ended, in words and as an exit status. */
export interface Judgement {
  /** In words. */
  readonly verdict: Verdict;
  /** As an exit status. */
  readonly exitCode: number;
  /** What ended it, unless it passed. */
  readonly error?: unknown;
}

/** Judges a run by what ended it; `undefined` if nothing went wrong. */
export function judge(failure: Failure | undefined): Judgement {
  if (failure === undefined) {
    return { verdict: "passed", exitCode: exitCodes.passed };
  }
  const { error } = failure;
  if (error instanceof Interruption) {
    return { verdict: "interrupted", exitCode: error.exitCode, error };
  }
  if (error instanceof GlobalTimeout) {
    return { verdict: "timeout", exitCode: exitCodes.timeout, error };
  }
  if (error instanceof ScriptExit) {
    const { code } = error;
    if (code === 0) return { verdict: "passed", exitCode: exitCodes.passed };
    // The system keeps eight bits of it: of 256, nothing.
    const isStatus = Number.isInteger(code) && code > 0 && code < 256;
    const exitCode = isStatus ? code : exitCodes.failed;
    return { verdict: "failed", exitCode, error };
  }
  return { verdict: "failed", exitCode: exitCodes.failed, error };
}

/** Whether a run's end needs an explanation. */
export function isFailure({ verdict }: Judgement): boolean {
  return verdict === "failed" || verdict === "timeout";
}

/**
 * Tells a person why a run did not pass.
 *
 * @param failure What ended it.
 * @param steps What it was doing, innermost first.
 * @param plan The plan of the run.
 * @param script The script.
 */
export function explain(
  { error, findings = [], evidence, latestStep }: Failure,
  steps: readonly string[],
  plan: Plan,
  script: Script | undefined,
): string {
  if (error instanceof TypeErrors) {
    const advice = error.isFatal ? "" : "; --no-check runs it anyway";
    return `${error.detail}\n${error.message}${advice}`;
  }
  const remarks = findings.map((one) =>
    `the type checker says: ${shownDiagnostic(one)}`
  );
  return describeFailure(error, {
    ...evidence,
    remarks,
    ...namesOf(script),
    scriptText: script?.path === undefined ? script?.readText() : undefined,
    steps,
    latestStep,
    artifacts: plan.html ?? plan.outDir,
  });
}

/**
 * A failure, its name if there are several, and the steps that were under way.
 */
export interface NotedFailure {
  /** The subtest's name. */
  readonly name: string;
  /** What the test was doing, innermost first. */
  readonly steps: readonly string[];
  /** What happened. */
  readonly failure: Failure;
}

/** Whether an error is what noted failures have said already, one or all of them. */
export function isNotedIn(
  noted: readonly NotedFailure[],
  error: unknown,
): boolean {
  return noted.some(({ failure }) => failure.error === error) ||
    (error instanceof SubtestFailures && noted.length > 0);
}

/**
 * Tells a person why a run did not pass in which the test went on after subtests
 * that failed.
 *
 * @param last What ended it.
 * @param noted The subtests that failed before that.
 * @param plan The plan of the run.
 * @param script The script.
 * @returns The text to show, its place, and the same for each subtest.
 */
export function explainAll(
  last: NotedFailure,
  noted: readonly NotedFailure[],
  plan: Plan,
  script: Script | undefined,
): {
  detail: string;
  position?: Position;
  failures?: RunEvents["runEnded"]["failures"];
} {
  const failures = noted.map(({ name, steps, failure }) => {
    const position = placeOf(failure, script);
    return {
      name,
      error: describeError(failure.error),
      detail: explain(failure, steps, plan, script),
      ...position && { position },
    };
  });
  const isNoted = isNotedIn(noted, last.failure.error);
  const position = isNoted
    ? failures[0].position
    : placeOf(last.failure, script);
  const details = failures.map(({ detail }) => detail);
  if (!isNoted) details.push(explain(last.failure, last.steps, plan, script));
  const count = details.length;
  return {
    detail: count === 1
      ? details[0]
      : details.map((detail, at) =>
        `${at + 1} of ${count} failures${
          at < failures.length ? `: subtest ${failures[at].name}` : ""
        }\n${detail}`
      ).join("\n"),
    ...position && { position },
    ...failures.length > 0 && { failures },
  };
}

/**
 * Where in the author's files a run failed.
 *
 * @param failure What ended it.
 * @param script The script.
 * @returns The innermost place; nothing if there is none.
 */
export function placeOf(
  { error, latestStep }: Failure,
  script: Script | undefined,
): Position | undefined {
  if (error instanceof TypeErrors) {
    const [, line, column] = /:(\d+):(\d+)$/.exec(
      error.diagnostics[0].place,
    ) ?? [];
    return script === undefined || line === undefined
      ? undefined
      : { url: script.url, line: Number(line), column: Number(column) };
  }
  return placeOfFailure(error, { ...namesOf(script), latestStep }).positions[0];
}

function namesOf(script: Script | undefined) {
  return { scriptUrl: script?.url ?? "", scriptName: script?.name ?? "" };
}
