import { UsageError } from "../errors.ts";

/**
 * What a test author takes for a pattern, as a regular expression that each
 * search begins anew with.
 *
 * @param pattern A regular expression, as such or as its source.
 * @param flags The flags of one that is given by its source.
 * @throws {UsageError} for what is none.
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
    // Others remember nothing, and may show as something else than their source.
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

/** A script's may come from a context of its own, with a class of its own. */
function isRegExp(value: unknown): value is RegExp {
  return Object.prototype.toString.call(value) === "[object RegExp]";
}
