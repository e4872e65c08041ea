/** The result of an input. */
export type Outcome = { value: unknown } | {
  error: unknown;
  /** A suggestion of what was meant, as a sentence. */
  hint?: string;
};

import type { AskForLine } from "../python/session.ts";

/** Runs the inputs of a prompt, in one language. */
export interface Evaluator {
  /** The prompts of an input's first line, and of its further lines. */
  readonly prompts: readonly [first: string, more: string];
  /** Takes a line. Runs the input, if the line completes one. */
  push(line: string): Promise<Outcome | "more">;
  /** Drops the lines of an input that has not ended. */
  reset(): void | Promise<void>;
  /**
   * Ends the code that {@linkcode push} runs. The driver's waits end
   * separately.
   */
  interrupt?(): void;
  /**
   * Lets code that {@linkcode push} runs ask for lines, until the returned
   * object is disposed.
   */
  takeInput?(ask: AskForLine): Disposable;
  /** The completions of the word at the end of `line`, and that word. */
  complete(line: string): Promise<[candidates: string[], word: string]>;
}
