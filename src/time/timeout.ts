import { UsageError } from "../report/errors.ts";

/** @throws {UsageError} for a timeout that is none. */
export function checkTimeout(timeout: number | null | undefined): void {
  if (timeout === undefined || timeout === null) return;
  if (typeof timeout === "number" && timeout >= 0) return;
  throw new UsageError(
    `Expected a timeout of zero or more seconds, got ${timeout}`,
  );
}
