/** What came of an input. */
export type Outcome = { value: unknown } | { error: unknown };

import type { AskForLine } from "../python/session.ts";

/** Understands what is typed at a prompt, in one language. */
export interface Evaluator {
  /** What stands before an input's first line, and before its further ones. */
  readonly prompts: readonly [first: string, more: string];
  /** Takes a line, and runs the input that it ends, unless that wants more. */
  push(line: string): Promise<Outcome | "more">;
  /** Drops the lines of an input that has not ended. */
  reset(): void | Promise<void>;
  /** Ends what {@linkcode push} runs, beside what the driver waits for. */
  interrupt?(): void;
  /** Has what {@linkcode push} runs ask for lines, until disposed of. */
  takeInput?(ask: AskForLine): Disposable;
  /** How the word at the end of `line` may go on, and that word. */
  complete(line: string): Promise<[candidates: string[], word: string]>;
}
