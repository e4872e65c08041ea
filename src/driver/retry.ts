import { TestFailure } from "../errors.ts";
import { delay, limitOf, orAbort } from "../time/mod.ts";

/**
 * Seconds until the second try, and between two tries at last, if the author
 * names no interval.
 */
const FIRST_PAUSE = 0.05;
const LONGEST_PAUSE = 1;

/** Seconds to try at most, if the author names no other limit. */
const DEFAULT_TIMEOUT = 900;

/** Options of {@linkcode retry}. */
export interface RetryOptions {
  /**
   * Seconds to try at most; `null`: no limit.
   *
   * @default {900}
   */
  timeout?: number | null;
  /**
   * Seconds between two tries; if nothing is given, 0.05 at first, growing to
   * 1.
   */
  interval?: number;
  /** Ends the tries with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Calls `fn` again and again until it returns `true`. `fn` gets `true` if it is
 * the last call.
 *
 * @param fn The function to call.
 *
 * @param options The options, or the timeout in seconds.
 *
 * @throws {TestFailure} if the time passes first.
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
