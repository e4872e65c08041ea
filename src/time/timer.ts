import { orAbort } from "./or_abort.ts";

/**
 * The longest time of the runtime's timers, in milliseconds. A longer one fires
 * at once.
 */
const LONGEST = 2 ** 31 - 1;
/** Milliseconds by which a timer is late only if the process stood still. */
const LATE = 50;

/**
 * Calls `fn` when `seconds` have passed. They may be longer than the runtime's
 * timers allow; `Infinity` never passes.
 *
 * The process may have stood still meanwhile, because it or its host was
 * stopped or busy. The runtime would then call `fn` before it reads what came
 * in that time. So `fn` gets as much more time, once, but no more than twice
 * the `seconds` together.
 *
 * @returns A function that cancels the timer.
 */
export function after(seconds: number, fn: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = (ms: number) => {
    if (ms > LONGEST) {
      timer = setTimeout(() => wait(ms - LONGEST), LONGEST);
      return;
    }
    const due = performance.now() + ms;
    timer = setTimeout(() => {
      const late = performance.now() - due;
      if (late < LATE) return fn();
      timer = setTimeout(fn, Math.min(late, seconds * 1000));
    }, ms);
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
