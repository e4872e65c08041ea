import { UsageError } from "../report/mod.ts";

/** Seconds that a wait takes at most where the author names no other limit. */
export const DEFAULT_TIMEOUT = 900;

/** What a wait takes. */
export interface WaitOptions {
  /** Seconds to wait at most; 900 by default. */
  timeout?: number;
}

/** @throws {UsageError} for a timeout that is none. */
export function checkTimeout(timeout: number | null | undefined): void {
  if (timeout === undefined || timeout === null || timeout >= 0) return;
  throw new UsageError(
    `Expected a timeout of zero or more seconds, got ${timeout}`,
  );
}

/** Settles as `promise` does, or rejects with the signal's reason. */
export function orAbort<T>(
  promise: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort);
    promise.then(resolve, reject).finally(() =>
      signal.removeEventListener("abort", abort)
    );
  });
}

/** Lets time pass, unless the signal ends that. */
export function delay(seconds: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout>;
  return orAbort(
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, seconds * 1000);
    }),
    signal,
  ).finally(() => clearTimeout(timer));
}
