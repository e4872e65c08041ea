import { authorPositions } from "../report/positions.ts";
import type { Script, TypeDiagnostic } from "../script/mod.ts";
import { orAbort } from "../time/mod.ts";
import { TypeErrors } from "./type_errors.ts";

/** Seconds that a failure waits at most for the type checker, which is at work yet. */
const PATIENCE = 60;

/**
 * What the type checker says of the line that a script fails at. A script that
 * compares a promise fails before the checker has read it.
 */
export class Findings {
  /** The check that is under way, or is over. */
  checking: Promise<void> = Promise.resolve();

  /**
   * Waits for the checker, and takes from what it finds that which concerns the
   * place where an error comes from.
   *
   * @param error What the script failed of.
   * @param script The script.
   * @param signal Ends the wait.
   * @returns What the checker says; nothing if it says nothing of that line.
   */
  async of(
    error: unknown,
    script: Script | undefined,
    signal: AbortSignal,
  ): Promise<readonly TypeDiagnostic[]> {
    if (script === undefined || error instanceof TypeErrors) return [];
    const lines = authorPositions(error)
      .filter(({ url }) => url === script.url)
      .map(({ line }) => `${script.name}:${line}:`);
    if (lines.length === 0) return [];
    const enough = AbortSignal.timeout(PATIENCE * 1000);
    try {
      await orAbort(this.checking, AbortSignal.any([signal, enough]));
    } catch (found) {
      if (!(found instanceof TypeErrors)) return [];
      return found.diagnostics.filter(({ place }) =>
        lines.some((line) => place.startsWith(line))
      );
    }
    return [];
  }
}
