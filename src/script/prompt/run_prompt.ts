import type { Driver } from "../../driver/mod.ts";
import { Terminal } from "../../terminal/mod.ts";
import type { Language } from "../language.ts";
import { rejection } from "../../time/mod.ts";
import { type Breakpoint, PythonSession } from "../python/session.ts";
import { bindGlobals } from "../globals.ts";
import { Script } from "../script.ts";
import { divertConsole } from "./console.ts";
import type { Evaluator } from "./evaluator.ts";
import { JavaScriptEvaluator } from "./javascript.ts";
import type { LineReader } from "./line_reader.ts";
import { helpBeside } from "./help.ts";
import { openReader } from "./open_reader.ts";
import { talk } from "./prompt.ts";
import { PythonEvaluator } from "./python.ts";

/** Options of {@linkcode runPrompt}. */
export interface PromptOptions {
  /** The machines and their log. */
  driver: Driver;
  /** The names for inputs, which are global variables already. */
  context: Record<string, unknown>;
  /** The language of inputs. */
  language: Language;
  /** The script that `testScript()` runs, if there is one. */
  script?: Script;
  /** Aborted at the end of the run. */
  signal: AbortSignal;
  /** Called for a breakpoint of a script in Python. */
  onBreakpoint?: (
    breakpoint: Breakpoint,
    interrupt: () => void,
  ) => Promise<void>;
}

/**
 * Runs a prompt at the terminal until the input ends. Without a terminal, runs
 * the lines of standard input.
 *
 * @throws {ScriptExit} if an input ends the run with an exit status.
 * @throws The signal's reason, when it is aborted.
 */
export async function runPrompt(options: PromptOptions): Promise<void> {
  const { driver, context, language, signal, onBreakpoint } = options;
  if (language === "typescript") {
    const more = helpBeside(Object.keys(driver.bindings()));
    using bound = bindGlobals(more);
    using evaluator = await JavaScriptEvaluator.create([
      ...Object.keys(context),
      ...Object.keys(more),
    ]);
    return await bound.run(() => run(evaluator, "testScript()"));
  }
  const script = options.script ?? new Script({ code: "", language });
  await using session = new PythonSession(script);
  const interrupt = () => session.interrupt();
  await session.bind(driver, {
    interactive: true,
    onBreakpoint: onBreakpoint && ((at) => onBreakpoint(at, interrupt)),
  });
  await run(new PythonEvaluator(session.prompt, interrupt), "test_script()");
  await session.end();

  async function run(evaluator: Evaluator, runScript: string): Promise<void> {
    using reader = await openReader(
      language,
      (line) => evaluator.complete(line),
    );
    using _console = divertConsole(reader);
    if (Terminal.present) greet(reader, driver, options.script && runScript);
    try {
      await talk({ reader, evaluator, driver, signal, script: options.script });
    } finally {
      // The reader of the output may be gone. Then only the signal ends this.
      const ended = rejection(signal).catch(() => {});
      await Promise.race([reader.written, ended]);
    }
  }
}

function greet(
  reader: LineReader,
  { machines }: Driver,
  runScript: string | undefined,
): void {
  const names = machines.map(({ name }) => name).join(", ");
  reader.print(
    `machines: ${names}\n` +
      (runScript === undefined ? "" : `${runScript} runs the test script\n`) +
      "help tells more, Tab completes, Ctrl-C interrupts, Ctrl-D leaves",
  );
}
