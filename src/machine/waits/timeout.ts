import { UsageError } from "../../errors.ts";

/** Seconds that a wait takes at most where the author names no other limit. */
export const DEFAULT_TIMEOUT = 900;

/** What a wait takes. */
export interface WaitOptions {
  /**
   * Seconds to wait at most; 900 by default, `null` for no limit. They count
   * from when the machine is up: its shell takes commands, or for what is seen
   * from outside of the guest, such as its console, it runs.
   */
  timeout?: number | null;
}

/**
 * The options of a wait, for which a number is its timeout.
 *
 * @throws {UsageError} for what is neither.
 */
export function waitOptions<T extends WaitOptions>(
  given: T | number,
): T | WaitOptions {
  if (typeof given === "number") return { timeout: given };
  if (isPlainObject(given)) return given;
  throw new UsageError(
    `Expected a wait's options, such as { timeout: 5 }, got ${
      Deno.inspect(given)
    }`,
  );
}

/** Whether a value is an object of named values, and nothing else. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  // A script's own may come from a context with prototypes of its own.
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
