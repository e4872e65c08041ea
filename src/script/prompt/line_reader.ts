/** The result of Ctrl-C at the input line. */
export const INTERRUPTED: unique symbol = Symbol("interrupted");

/** Reads lines from a person or a program, and shows text to them. */
export interface LineReader extends Disposable {
  /** Whether the text may have colours. */
  readonly colours: boolean;
  /**
   * Reads a line.
   *
   * @param prompt The text before the input.
   * @returns The line; `undefined` when there are no more.
   */
  read(prompt: string): Promise<string | typeof INTERRUPTED | undefined>;
  /** Shows whole lines; above the input line, if one is being read. */
  print(text: string): void;
  /** Settled when everything has been written. */
  readonly written: Promise<void>;
  /** Sets the function to call for Ctrl-C while no line is read. */
  onInterrupt(listener: () => void): void;
}

/** Returns the completions of a line's end, and the part that they complete. */
export type Completer = (
  line: string,
) => Promise<[candidates: string[], word: string]>;
