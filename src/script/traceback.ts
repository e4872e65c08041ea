const tracebacks = new WeakMap<object, string>();

/**
 * Notes the text that shows an error to a person, in the form of the script's
 * language.
 *
 * @param error What was thrown.
 * @param traceback Several lines of text.
 */
export function noteTraceback(error: object, traceback: string): void {
  tracebacks.set(error, traceback);
}

/**
 * The text that shows an error to a person.
 *
 * @param error What was thrown.
 * @returns Several lines of text; `undefined` if the error does not come from
 * another language.
 */
export function tracebackOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null
    ? tracebacks.get(error)
    : undefined;
}
