/**
 * Makes a promise that rejects with the signal's reason when the signal is
 * aborted.
 */
export function rejection(signal: AbortSignal): Promise<never> {
  const promise = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  // Without this, a rejection that nobody waits for would end the program.
  promise.catch(() => {});
  return promise;
}
