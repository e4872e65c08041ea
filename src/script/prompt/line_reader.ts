/** Somebody pressed Ctrl-C at the input line. */
export const INTERRUPTED: unique symbol = Symbol("interrupted");

/** Lines from somebody, and text to them. */
export interface LineReader extends Disposable {
  /** Whether they see colours. */
  readonly colours: boolean;
  /**
   * Reads a line.
   *
   * @param prompt What stands before it.
   * @returns The line; `undefined` when there are no more.
   */
  read(prompt: string): Promise<string | typeof INTERRUPTED | undefined>;
  /** Shows whole lines, above the input line while that is read. */
  print(text: string): void;
  /** Settled when all that was shown has been written. */
  readonly written: Promise<void>;
  /** Calls `listener` when Ctrl-C is pressed while no line is read. */
  onInterrupt(listener: () => void): void;
}

/** How the end of an input line may go on, and what of it does. */
export type Completer = (
  line: string,
) => Promise<[candidates: string[], word: string]>;
