import { nameOf } from "../driver/mod.ts";
import {
  checkTypes,
  findApi,
  findDeno,
  type Script,
  type TypeDiagnostic,
  wantsCheck,
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
 * @param signal Ends the check.
 * @throws {TypeErrors} if they are wrong.
 */
export async function checkBeside(
  script: Script,
  { machines, vlans }: Plan,
  signal: AbortSignal,
): Promise<void> {
  if (!wantsCheck(script)) return;
  const names = { machines: machines.map(nameOf), vlans };
  const diagnostics = await checkTypes(script, names, { signal });
  if (diagnostics.length > 0) throw new TypeErrors(diagnostics);
}

/** Formats a finding of the checker for a person. */
export function shownDiagnostic(
  { place, message, source }: TypeDiagnostic,
): string {
  return `${place}: ${message}${source === undefined ? "" : `\n${source}`}`;
}
