import { UsageError } from "../errors.ts";

/**
 * Turns a pattern of a test's author into a regular expression with which each
 * search starts anew.
 *
 * @param pattern A regular expression, as such or as its source.
 * @param flags The flags, if the pattern is a source.
 * @throws {UsageError} if it is no regular expression.
 */
export function compilePattern(pattern: RegExp | string, flags = ""): RegExp {
  if (typeof pattern !== "string" && !isRegExp(pattern)) {
    throw new UsageError(
      `Expected a regular expression or its source, got ${
        Deno.inspect(pattern)
      }`,
    );
  }
  if (typeof pattern !== "string") {
    const { source, flags, global, sticky } = pattern;
    // Other patterns keep no state. They may also have a text of their own for
    // messages.
    return global || sticky
      ? new RegExp(source, flags.replace("g", ""))
      : pattern;
  }
  try {
    return new RegExp(pattern, flags);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/**
 * A script may run in another context, which has its own class of this name.
 */
function isRegExp(value: unknown): value is RegExp {
  return Object.prototype.toString.call(value) === "[object RegExp]";
}
