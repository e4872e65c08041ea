const searches = new WeakMap<object, Promise<unknown>>();

/**
 * Notes a search for the place of a script when an error ended it from outside.
 *
 * @param error The error.
 * @param search Settled when the place is known, or can't be found.
 */
export function noteWhereabouts(
  error: unknown,
  search: Promise<unknown>,
): void {
  if (typeof error !== "object" || error === null) return;
  searches.set(error, search.catch(() => {}));
}

/**
 * Waits until it is known where a script was when an error ended it.
 *
 * @param error The error.
 */
export async function whereabouts(error: unknown): Promise<void> {
  if (typeof error === "object" && error !== null) await searches.get(error);
}
