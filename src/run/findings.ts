import { authorPositions } from "../report/positions.ts";
import type { Script, TypeDiagnostic } from "../script/mod.ts";
import { orAbort } from "../time/mod.ts";
import { TypeErrors } from "./type_errors.ts";

/** Seconds that a failure waits at most for a type check that is under way. */
const PATIENCE = 60;

/**
 * The findings of the type checker about the line at which a script fails. A
 * script that compares a promise may fail before the check has ended.
 */
export class Findings {
  /** The check, which may be under way. */
  checking: Promise<void> = Promise.resolve();

  /**
   * Waits for the checker, and selects its findings about the place of an
   * error.
   *
   * @param error The script's error.
   * @param script The script.
   * @param signal Ends the wait.
   * @param patience Seconds to wait at most. Default: 60.
   * @returns The findings; nothing if there are none about this line.
   */
  async of(
    error: unknown,
    script: Script | undefined,
    signal: AbortSignal,
    patience = PATIENCE,
  ): Promise<readonly TypeDiagnostic[]> {
    if (script === undefined || error instanceof TypeErrors) return [];
    const lines = authorPositions(error)
      .filter(({ url }) => url === script.url)
      .map(({ line }) => `${script.name}:${line}:`);
    if (lines.length === 0) return [];
    const enough = AbortSignal.timeout(patience * 1000);
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
