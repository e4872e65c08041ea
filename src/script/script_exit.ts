import { ExpectedError } from "../errors.ts";

/**
 * A script has called `Deno.exit`. The run ends in order, with that exit
 * status.
 */
export class ScriptExit extends ExpectedError {
  /** The error's name. */
  override name = "ScriptExit";

  /** Takes the exit status. */
  constructor(readonly code: number) {
    super(`the script ended itself with exit status ${code}`);
  }
}
