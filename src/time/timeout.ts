import { UsageError } from "../errors.ts";

/**
 * @throws {UsageError} if the timeout is not a number of at least 0, `null` or
 * undefined.
 */
export function checkTimeout(timeout: number | null | undefined): void {
  if (timeout === undefined || timeout === null) return;
  if (typeof timeout === "number" && timeout >= 0) return;
  throw new UsageError(
    `Expected a timeout of zero or more seconds, got ${Deno.inspect(timeout)}`,
  );
}

/**
 * The limit in seconds that an author's `timeout` means: `Infinity` for `null`,
 * `byDefault` for undefined.
 *
 * @throws {UsageError} if the timeout is not valid.
 */
export function limitOf(
  timeout: number | null | undefined,
  byDefault: number,
): number {
  checkTimeout(timeout);
  return timeout === undefined ? byDefault : timeout ?? Infinity;
}

/** Whether an error is a `TimeoutError`. */
export function isTimeout(error: unknown): error is DOMException {
  return error instanceof DOMException && error.name === "TimeoutError";
}
