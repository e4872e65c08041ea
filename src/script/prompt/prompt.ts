import type { Driver } from "../../driver/mod.ts";
import type { Script } from "../script.ts";
import { ScriptExit } from "../script_exit.ts";
import { orAbort } from "../../time/mod.ts";
import type { Evaluator, Outcome } from "./evaluator.ts";
import { Interrupted } from "./interrupted.ts";
import { INTERRUPTED, type LineReader } from "./line_reader.ts";
import { showOutcome } from "./show.ts";

/** Milliseconds that a language with an interruption of its own gets for it. */
const PATIENCE_MS = 1000;

/** What a prompt stands on. */
export interface PromptParts {
  /** Where lines come from and results go. */
  reader: LineReader;
  /** What understands the lines. */
  evaluator: Evaluator;
  /** What is interrupted by Ctrl-C. */
  driver: Driver;
  /** Aborted when the run is to end. */
  signal: AbortSignal;
  /** The script that may be run; errors in it are shown with its lines. */
  script?: Script;
}

/**
 * Reads inputs, runs them and shows what came of them, until there are no more.
 *
 * @throws {ScriptExit} where an input ends the run by `Deno.exit`.
 * @throws The signal's reason, once that is aborted.
 */
export async function talk(parts: PromptParts): Promise<void> {
  const { reader, evaluator, driver, signal } = parts;
  signal.throwIfAborted();
  let interrupt = () => {};
  reader.onInterrupt(() => interrupt());
  using _input = evaluator.takeInput?.(async (prompt) => {
    const line = await reader.read(prompt);
    if (line === INTERRUPTED) throw new Interrupted();
    return line;
  });
  let [prompt] = evaluator.prompts;
  while (true) {
    const line = await orAbort(reader.read(prompt), signal);
    if (line === undefined) return;
    if (line === INTERRUPTED) {
      await evaluator.reset();
      [prompt] = evaluator.prompts;
      continue;
    }
    const interrupted = new Promise<Outcome>((resolve) => {
      interrupt = () => {
        const error = new Interrupted();
        driver.interrupt(error);
        evaluator.interrupt?.();
        // What that ends says so first. Python raises an exception, which
        // may have to wait for a turn.
        const patience = evaluator.interrupt === undefined ? 0 : PATIENCE_MS;
        setTimeout(() => resolve({ error }), patience);
      };
    });
    const pushed = evaluator.push(line);
    // One that was interrupted may end at any time, in any way.
    pushed.catch(() => {});
    const outcome = await orAbort(Promise.race([pushed, interrupted]), signal);
    interrupt = () => {};
    if (outcome === "more") {
      prompt = evaluator.prompts[1];
      continue;
    }
    [prompt] = evaluator.prompts;
    if ("error" in outcome && outcome.error instanceof ScriptExit) {
      throw outcome.error;
    }
    driver.log.flush();
    const shown = showOutcome(outcome, reader.colours, parts.script);
    if (shown !== undefined) reader.print(shown);
  }
}
