import { after } from "./timer.ts";

/**
 * Settles as `promise` does, or with `undefined` when `seconds` have passed.
 */
export async function within<T>(
  seconds: number,
  promise: Promise<T>,
): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const cancel = after(seconds, () => resolve(undefined));
  try {
    return await Promise.race([promise, late]);
  } finally {
    cancel();
  }
}
