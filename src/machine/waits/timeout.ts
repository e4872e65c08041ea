import { UsageError } from "../../errors.ts";

/** Seconds that a wait may take, if the author names no other limit. */
export const DEFAULT_TIMEOUT = 900;

/** Seconds that the last look of a wait has, when the time is over. */
export const LAST_LOOK = 5;

/** Options of a wait. */
export interface WaitOptions {
  /**
   * Seconds to wait at most; `null`: no limit; 0: look once. They count from
   * when the machine is up: its shell takes commands; for waits that look from
   * outside, such as at the console, the machine runs.
   *
   * @default {900}
   */
  timeout?: number | null;
}

/**
 * The options of a wait. A number is a timeout.
 *
 * @throws {UsageError} if it is neither.
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

/** Whether a value is a plain object. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  // A script's object may come from another context, which has its own
  // prototypes.
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
