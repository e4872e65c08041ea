import { TestFailure } from "../report/mod.ts";
import { checkTimeout, delay } from "../time/mod.ts";

/** Seconds until the second try, and between two tries at last, by default. */
const FIRST_PAUSE = 0.05;
const LONGEST_PAUSE = 1;

/** What {@linkcode retry} takes. */
export interface RetryOptions {
  /** Seconds to try at most; 900 by default. */
  timeout?: number;
  /** Seconds between two tries; by default 0.05 at first, growing to 1. */
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
  const { timeout = 900, interval, signal }: RetryOptions =
    typeof options === "number" ? { timeout: options } : options;
  checkTimeout(timeout);
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  let pause = interval ?? FIRST_PAUSE;
  while (elapsed() < timeout) {
    signal?.throwIfAborted();
    if (await fn(false)) return;
    await delay(Math.min(pause, Math.max(0, timeout - elapsed())), signal);
    if (interval === undefined) pause = Math.min(LONGEST_PAUSE, 2 * pause);
  }
  const seconds = elapsed().toFixed(2);
  if (await fn(true)) return;
  throw new TestFailure(
    `action timed out after ${seconds} seconds (timeout=${timeout})`,
  );
}
