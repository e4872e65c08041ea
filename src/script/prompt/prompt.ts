import type { Driver } from "../../driver/mod.ts";
import type { Script } from "../script.ts";
import { ScriptExit } from "../script_exit.ts";
import { after, orAbort } from "../../time/mod.ts";
import type { Evaluator, Outcome } from "./evaluator.ts";
import { Interrupted } from "./interrupted.ts";
import { INTERRUPTED, type LineReader } from "./line_reader.ts";
import { showOutcome } from "./show.ts";

/** Seconds that a language with an interruption of its own has for it. */
const PATIENCE = 1;

/** The parts of a prompt. */
export interface PromptParts {
  /** The source of lines, and the target of results. */
  reader: LineReader;
  /** Runs the lines. */
  evaluator: Evaluator;
  /** The driver, which Ctrl-C interrupts. */
  driver: Driver;
  /** Aborted at the end of the run. */
  signal: AbortSignal;
  /** The script. The prompt shows its errors with its lines. */
  script?: Script;
}

/**
 * Reads inputs, runs them and shows their results, until there are no more.
 *
 * @throws {ScriptExit} if an input calls `Deno.exit`.
 * @throws The signal's reason, when it is aborted.
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
    let cancel = () => {};
    const interrupted = new Promise<Outcome>((resolve) => {
      interrupt = () => {
        const error = new Interrupted();
        driver.interrupt(error);
        evaluator.interrupt?.();
        // The interrupted code reports its error first. In Python this is an
        // exception, which may come a moment later.
        const patience = evaluator.interrupt === undefined ? 0 : PATIENCE;
        cancel = after(patience, () => resolve({ error }));
      };
    });
    const pushed = evaluator.push(line);
    // An interrupted input may end at any time and in any way.
    pushed.catch(() => {});
    const outcome = await orAbort(Promise.race([pushed, interrupted]), signal);
    interrupt = () => {};
    cancel();
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
