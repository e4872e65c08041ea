import type { AskForLine, PythonPrompt } from "../python/session.ts";
import { ScriptExit } from "../script_exit.ts";
import type { Evaluator, Outcome } from "./evaluator.ts";

/**
 * Runs Python, in the process that runs the script. That process shows the
 * results.
 */
export class PythonEvaluator implements Evaluator {
  readonly prompts = [">>> ", "... "] as const;
  readonly #prompt: PythonPrompt;
  readonly #interrupt: () => void;

  readonly #print?: (text: string) => void;

  /**
   * Takes the prompt's other half, and a way to interrupt it.
   *
   * @param print Shows Python's output; if it is absent, Python's process shows
   * it.
   */
  constructor(
    prompt: PythonPrompt,
    interrupt: () => void,
    print?: (text: string) => void,
  ) {
    this.#prompt = prompt;
    this.#interrupt = interrupt;
    this.#print = print;
  }

  /** Takes a line. Runs the input, if the line completes one. */
  async push(line: string): Promise<Outcome | "more"> {
    try {
      return await this.#push(line) ? "more" : { value: undefined };
    } catch (error) {
      if (error instanceof ScriptExit) return { error };
      throw error;
    }
  }

  async #push(line: string): Promise<boolean> {
    if (this.#print === undefined) return await this.#prompt.push(line);
    const [more, printed] = await this.#prompt.pushCaptured(line);
    if (printed !== "") this.#print(printed);
    return more;
  }

  /** Drops the lines of an input that has not ended. */
  async reset(): Promise<void> {
    await this.#prompt.reset();
  }

  /** Raises KeyboardInterrupt. */
  interrupt(): void {
    this.#interrupt();
  }

  /**
   * Lets Python's `input()` ask for lines, until the returned object is
   * disposed.
   */
  takeInput(ask: AskForLine): Disposable {
    return this.#prompt.takeInput(ask);
  }

  /** The completions of the word at the end of `line`, and that word. */
  async complete(line: string): Promise<[string[], string]> {
    const [word] = /[\w.]*$/.exec(line)!;
    // At the beginning of a line, Tab indents.
    if (line.trim() === "") return [["    "], ""];
    return [await this.#prompt.complete(word), word];
  }
}
