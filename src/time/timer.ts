import { orAbort } from "./or_abort.ts";

/**
 * The longest time of the runtime's timers, in milliseconds. A longer one fires
 * at once.
 */
const LONGEST = 2 ** 31 - 1;

/**
 * Calls `fn` when `seconds` have passed. They may be longer than the runtime's
 * timers allow; `Infinity` never passes.
 *
 * @returns A function that cancels the timer.
 */
export function after(seconds: number, fn: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = (ms: number) => {
    timer = ms > LONGEST
      ? setTimeout(() => wait(ms - LONGEST), LONGEST)
      : setTimeout(fn, ms);
  };
  if (seconds < Infinity) wait(seconds * 1000);
  return () => clearTimeout(timer);
}

/**
 * Waits for `seconds`. If the signal is aborted first, rejects with its reason.
 */
export async function delay(
  seconds: number,
  signal?: AbortSignal,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = after(seconds, resolve);
  try {
    await orAbort(promise, signal);
  } finally {
    cancel();
  }
}
