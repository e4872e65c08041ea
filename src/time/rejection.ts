/** A promise that rejects with the signal's reason once that is aborted. */
export function rejection(signal: AbortSignal): Promise<never> {
  const promise = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  // Nobody may be waiting for it at that moment.
  promise.catch(() => {});
  return promise;
}
