/** Settles as `promise` does, or rejects with the signal's reason. */
export function orAbort<T>(
  promise: Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    // The promise may still fail when nobody waits for it any more.
    promise.then(resolve, reject).finally(() =>
      signal.removeEventListener("abort", abort)
    );
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort);
  });
}
