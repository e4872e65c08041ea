import { MachineError, TestFailure, UsageError } from "../../errors.ts";
import { harmless } from "../../scan/mod.ts";
import { authorPositions } from "../../report/positions.ts";
import { describeFailure } from "../failure.ts";
import type { Script } from "../script.ts";
import type { Outcome } from "./evaluator.ts";
import { Interrupted } from "./interrupted.ts";

const red = "\x1b[31m", plain = "\x1b[0m";

/**
 * A value or an error for a person at a terminal. What came from a guest in it
 * can't move the cursor, or anything else but be read.
 *
 * @param outcome What came of an input.
 * @param colours Whether the terminal has colours.
 * @param script The script that may have been run.
 * @returns One or more lines; `undefined` for the value `undefined`.
 */
export function showOutcome(
  outcome: Outcome,
  colours: boolean,
  script?: Script,
): string | undefined {
  if ("error" in outcome) {
    const text = harmless(errorText(outcome.error, script));
    return colours ? `${red}${text}${plain}` : text;
  }
  const { value } = outcome;
  if (value === undefined) return undefined;
  // What a command printed reads best as it was printed.
  if (typeof value === "string" && value.includes("\n")) {
    return harmless(value).replace(/\n$/, "");
  }
  return harmlessButColoured(showValue(value, colours), colours);
}

/** A value as the language writes it. */
export function showValue(value: unknown, colors: boolean): string {
  try {
    return Deno.inspect(value, { colors, depth: 4, strAbbreviateSize: 10_000 });
  } catch (error) {
    return `a value that can't be shown: ${error}`;
  }
}

/** Text in which nothing but colours reaches the terminal as a command. */
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
  const frames = (error.stack ?? "").split("\n").filter((line) =>
    /^\s+at /.test(line) && !isOurs(line)
  );
  // The input itself is in sight.
  const isElsewhere = frames.some((line) => !line.includes("<anonymous>"));
  return isElsewhere ? [message, ...frames].join("\n") : message;
}

/** Whether a frame is of what runs the input, not of the input. */
function isOurs(frame: string): boolean {
  return /\((?:ext|node):|at (?:ext|node):|processTicksAndRejections/.test(
    frame,
  ) || frame.includes(import.meta.dirname ?? "\0");
}
