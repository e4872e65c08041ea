/** What came of an input. */
export type Outcome = { value: unknown } | { error: unknown };

/** Understands what is typed at a prompt, in one language. */
export interface Evaluator extends AsyncDisposable {
  /** What stands before an input's first line, and before its further ones. */
  readonly prompts: readonly [first: string, more: string];
  /** Whether the text can be run, or else wants more lines. */
  isComplete(code: string): boolean | Promise<boolean>;
  /** Runs an input; what it was interrupted in is forgotten. */
  evaluate(code: string): Promise<Outcome>;
  /** Ends what {@linkcode evaluate} runs, where the language has a way. */
  interrupt?(): void;
  /** How the word at the end of `line` may go on, and that word. */
  complete(line: string): Promise<[candidates: string[], word: string]>;
  /** What came of an input, as text for a terminal; `undefined`: nothing. */
  show(outcome: Outcome, colours: boolean): string | undefined;
}
