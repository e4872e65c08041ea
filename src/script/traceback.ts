const tracebacks = new WeakMap<object, string>();

/**
 * Notes what to show a person of an error, in the words of the language that the
 * script is written in.
 *
 * @param error What was thrown.
 * @param traceback Several lines of text.
 */
export function noteTraceback(error: object, traceback: string): void {
  tracebacks.set(error, traceback);
}

/**
 * What to show a person of an error.
 *
 * @param error What was thrown.
 * @returns Several lines of text, or `undefined` if the error comes from no other
 * language.
 */
export function tracebackOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null
    ? tracebacks.get(error)
    : undefined;
}
