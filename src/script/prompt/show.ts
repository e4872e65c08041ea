import { MachineError, TestFailure, UsageError } from "../../errors.ts";
import { harmless } from "../../scan/mod.ts";
import { authorPositions, framesOf } from "../../report/positions.ts";
import { describeFailure } from "../failure.ts";
import type { Script } from "../script.ts";
import type { Outcome } from "./evaluator.ts";
import { Interrupted } from "./interrupted.ts";

const red = "\x1b[31m", plain = "\x1b[0m";

/**
 * Formats a value or an error for a terminal. Text of a guest in it has no
 * effect on the terminal.
 *
 * @param outcome The result of an input.
 * @param colours Whether the terminal has colours.
 * @param script The script that may have run.
 * @returns One or more lines; `undefined` for the value `undefined`.
 */
export function showOutcome(
  outcome: Outcome,
  colours: boolean,
  script?: Script,
): string | undefined {
  if ("error" in outcome) {
    const { error, hint } = outcome;
    const text = harmless(errorText(error, script)) +
      (hint === undefined ? "" : `\n${harmless(hint)}`);
    return colours ? `${red}${text}${plain}` : text;
  }
  const { value } = outcome;
  if (value === undefined) return undefined;
  // The output of a command is shown as it is.
  if (typeof value === "string" && value.includes("\n")) {
    return harmless(value).replace(/\n$/, "");
  }
  return harmlessButColoured(showValue(value, colours), colours);
}

/** Formats a value as the language writes it. */
export function showValue(value: unknown, colors: boolean): string {
  try {
    return Deno.inspect(value, { colors, depth: 4, strAbbreviateSize: 10_000 });
  } catch (error) {
    return `a value that can't be shown: ${error}`;
  }
}

/** Makes text harmless for the terminal, except for colours. */
export function harmlessButColoured(text: string, colours: boolean): string {
  if (!colours) return harmless(text);
  // deno-lint-ignore no-control-regex
  return text.split(/(\x1b\[[\d;]*m)/).map((part, index) =>
    index % 2 === 1 ? part : harmless(part)
  ).join("");
}

function errorText(error: unknown, script?: Script): string {
  if (error instanceof Interrupted) return error.message;
  if (!(error instanceof Error)) return `thrown: ${showValue(error, false)}`;
  if (script !== undefined && authorPositions(error).length > 0) {
    return describeFailure(error, {
      scriptUrl: script.url,
      scriptName: script.name,
    });
  }
  const message = `${error.name}: ${error.message}`;
  if (
    error instanceof TestFailure || error instanceof MachineError ||
    error instanceof UsageError || error instanceof SyntaxError
  ) return message;
  const frames = framesOf(error).filter((line) => !isOurs(line));
  // The person sees the input itself.
  const isElsewhere = frames.some((line) => !line.includes("<anonymous>"));
  return isElsewhere ? [message, ...frames].join("\n") : message;
}

/** Whether a frame belongs to the code that runs the input. */
function isOurs(frame: string): boolean {
  return /\((?:ext|node):|at (?:ext|node):|processTicksAndRejections/.test(
    frame,
  ) || frame.includes(import.meta.dirname ?? "\0");
}
