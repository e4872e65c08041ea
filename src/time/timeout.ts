import { UsageError } from "../errors.ts";

/** @throws {UsageError} for a timeout that is not valid. */
export function checkTimeout(timeout: number | null | undefined): void {
  if (timeout === undefined || timeout === null) return;
  if (typeof timeout === "number" && timeout >= 0) return;
  throw new UsageError(
    `Expected a timeout of zero or more seconds, got ${timeout}`,
  );
}

/**
 * The seconds that something may take at most: `Infinity` for `null`, which is
 * no limit, and `byDefault` where the author names none.
 *
 * @throws {UsageError} for a timeout that is not valid.
 */
export function limitOf(
  timeout: number | null | undefined,
  byDefault: number,
): number {
  checkTimeout(timeout);
  return timeout === undefined ? byDefault : timeout ?? Infinity;
}

/** Whether an error says that the time has passed. */
export function isTimeout(error: unknown): error is DOMException {
  return error instanceof DOMException && error.name === "TimeoutError";
}
