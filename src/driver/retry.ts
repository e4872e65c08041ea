import { TestFailure } from "../report/mod.ts";
import { checkTimeout, delay } from "../time/mod.ts";

/** What {@linkcode retry} takes. */
export interface RetryOptions {
  /** Seconds to try at most; 900 by default. */
  timeout?: number;
  /** Seconds between two tries; 1 by default. */
  interval?: number;
  /** Ends the tries with its reason. */
  signal?: AbortSignal;
}

/**
 * Calls `fn` again and again until it answers `true`; the last call is told
 * that it is the last.
 *
 * @throws {TestFailure} when the time has passed.
 */
export async function retry(
  fn: (last: boolean) => boolean | Promise<boolean>,
  options: RetryOptions | number = {},
): Promise<void> {
  const { timeout = 900, interval = 1, signal }: RetryOptions =
    typeof options === "number" ? { timeout: options } : options;
  checkTimeout(timeout);
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  while (elapsed() < timeout) {
    signal?.throwIfAborted();
    if (await fn(false)) return;
    await delay(Math.min(interval, Math.max(0, timeout - elapsed())), signal);
  }
  const seconds = elapsed().toFixed(2);
  if (await fn(true)) return;
  throw new TestFailure(
    `action timed out after ${seconds} seconds (timeout=${timeout})`,
  );
}
