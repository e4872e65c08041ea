import { UsageError } from "../errors.ts";

/** Keeps V8's young generation small, as `cli.ts` has it. */
const V8_FLAGS = "--v8-flags=--max-semi-space-size=4";

/**
 * The words that start this program once more, before those of its command line.
 *
 * @param main The module that is the program; that of this library, if nothing
 * is given.
 * @throws {UsageError} if there is no such module: the library was compiled into
 * another program.
 */
export function programWords(main?: string): string[] {
  if (Deno.build.standalone) {
    if (main !== undefined) return [Deno.execPath()];
    throw new UsageError(
      "Expected a program that deno runs, as a suite starts it once more for " +
        "each test, got one that was compiled",
    );
  }
  return [Deno.execPath(), "run", "-A", V8_FLAGS, main ?? ownMain()];
}

/** The module of the command line, beside this one or beside the bundle. */
function ownMain(): string {
  const here = import.meta.url;
  const url = here.endsWith("/src/suite/program.ts")
    ? new URL("../../cli.ts", here)
    : new URL("./cli.js", here);
  return url.href;
}
