import { nameOf } from "../driver/mod.ts";
import {
  checkTypes,
  findApi,
  findDeno,
  type Script,
  type ScriptNames,
  type TypeDiagnostic,
  wantsCheck,
  type WarmChecker,
} from "../script/mod.ts";
import type { Plan } from "./plan.ts";

/** A script's types are wrong. */
export class TypeErrors extends Error {
  /** The error's name. */
  override name = "TypeErrors";
  /** The text for a person. */
  readonly detail: string;
  /** The errors. */
  readonly diagnostics: readonly TypeDiagnostic[];
  /** Whether the script can't run. */
  readonly isFatal: boolean;

  /** Takes the errors. */
  constructor(diagnostics: readonly TypeDiagnostic[]) {
    const count = diagnostics.length;
    const isFatal = diagnostics.some((diagnostic) => diagnostic.isFatal);
    const what = isFatal ? "error" : "type error";
    super(`the script has ${count} ${what}${count === 1 ? "" : "s"}`);
    this.isFatal = isFatal;
    this.diagnostics = diagnostics;
    this.detail = diagnostics.map(shownDiagnostic).join("\n");
  }
}

/** Whether a run can check its script's types first. */
export function canCheck({ check, script }: Plan): boolean {
  return check && script?.language === "typescript" &&
    script.path !== undefined && findDeno() !== undefined &&
    findApi() !== undefined;
}

/**
 * Checks a script's types while the run goes on.
 *
 * @param script The script.
 * @param plan The plan, for the names that the script sees.
 * @param options.signal Ends the check.
 * @param options.checker A checker that stays from run to run.
 * @throws {TypeErrors} if they are wrong.
 */
export async function checkBeside(
  script: Script,
  plan: Plan,
  { signal, checker }: { signal: AbortSignal; checker?: WarmChecker },
): Promise<void> {
  if (!wantsCheck(script)) return;
  const diagnostics = checker === undefined
    ? await checkTypes(script, namesIn(plan), { signal })
    : await checker.check(script, { signal });
  if (diagnostics.length > 0) throw new TypeErrors(diagnostics);
}

/** The names that a plan's script sees. */
export function namesIn({ machines, vlans }: Plan): ScriptNames {
  return { machines: machines.map(nameOf), vlans };
}

/** Formats a finding of the checker for a person. */
export function shownDiagnostic(
  { place, message, source }: TypeDiagnostic,
): string {
  return `${place}: ${message}${source === undefined ? "" : `\n${source}`}`;
}
