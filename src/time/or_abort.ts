/** Settles as `promise` does, or rejects with the signal's reason. */
export function orAbort<T>(
  promise: Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    // What nobody waits for any more may still fail.
    promise.then(resolve, reject).finally(() =>
      signal.removeEventListener("abort", abort)
    );
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort);
  });
}
