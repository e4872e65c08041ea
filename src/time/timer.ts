import { orAbort } from "./or_abort.ts";

/** Milliseconds that a timer of the runtime's takes at most; more fires at once. */
const LONGEST = 2 ** 31 - 1;

/**
 * Calls `fn` when `seconds` have passed, however many these are; `Infinity`
 * never passes.
 *
 * @returns What cancels that.
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

/** Lets time pass, unless the signal ends that with its reason. */
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
