import { TestFailure } from "../errors.ts";
import { delay, limitOf, orAbort } from "../time/mod.ts";

/** Seconds until the second try, and between two tries at last, by default. */
const FIRST_PAUSE = 0.05;
const LONGEST_PAUSE = 1;

/** Seconds to try at most where the author names no other limit. */
const DEFAULT_TIMEOUT = 900;

/** What {@linkcode retry} takes. */
export interface RetryOptions {
  /** Seconds to try at most; 900 by default, `null` for no limit. */
  timeout?: number | null;
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
  const { interval, signal, ...given }: RetryOptions =
    typeof options === "number" ? { timeout: options } : options;
  const timeout = limitOf(given.timeout, DEFAULT_TIMEOUT);
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  const call = async (last: boolean) => await fn(last);
  let pause = interval ?? FIRST_PAUSE;
  while (elapsed() < timeout) {
    signal?.throwIfAborted();
    if (await orAbort(call(false), signal)) return;
    await delay(Math.min(pause, Math.max(0, timeout - elapsed())), signal);
    if (interval === undefined) pause = Math.min(LONGEST_PAUSE, 2 * pause);
  }
  const seconds = elapsed().toFixed(2);
  if (await orAbort(call(true), signal)) return;
  throw new TestFailure(
    `action timed out after ${seconds} seconds (timeout=${timeout})`,
  );
}
