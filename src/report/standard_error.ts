import { writeOut } from "../stream/mod.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The functions that take the text for standard error; only the last one gets
 * it.
 */
const takers: ((text: string) => void)[] = [];

/**
 * Gives `take` all text for standard error from now on, until the returned
 * object is disposed of: for a prompt that keeps its input line below the text,
 * and for a guest's terminal, in which it must not appear. If standard error is
 * not a terminal, nothing changes.
 */
export function divertStandardError(
  take: (text: string) => void,
): Disposable {
  if (Deno.stderr.isTerminal()) {
    for (const listener of diversionListeners) listener();
    takers.push(take);
  }
  return {
    [Symbol.dispose]() {
      const index = takers.lastIndexOf(take);
      if (index >= 0) takers.splice(index, 1);
    },
  };
}

const diversionListeners = new Set<() => void>();

/** Calls `listener` before text for standard error is diverted. */
export function onDiversion(listener: () => void): Disposable {
  diversionListeners.add(listener);
  return { [Symbol.dispose]: () => void diversionListeners.delete(listener) };
}

/** Whether a function takes the text for standard error. */
export function isDiverted(): boolean {
  return takers.length > 0;
}

/**
 * Writes all of a text to standard error before it returns. If nobody reads any
 * more, the text is dropped: a closed pipe must not end a test.
 *
 * @param text The text, or its bytes in UTF-8.
 */
export function writeStandardError(text: string | Uint8Array): void {
  const take = takers.at(-1);
  const isText = typeof text === "string";
  if (take !== undefined) take(isText ? text : decoder.decode(text));
  else writeOut(Deno.stderr, isText ? encoder.encode(text) : text);
}
