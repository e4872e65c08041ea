import { ExpectedError } from "../errors.ts";
import {
  authorPositions,
  type Position,
  showPosition,
} from "../report/positions.ts";
import { withoutColours } from "../terminal/mod.ts";
import { tracebackOf } from "./traceback.ts";

/** What is known about a failed run besides its error. */
export interface FailureContext {
  /** The script's address. */
  readonly scriptUrl: string;
  /** What to call the script. */
  readonly scriptName: string;
  /** The script's text, where that is not in a file. */
  readonly scriptText?: string;
  /** What else there is to say of the failure's line. */
  readonly remarks?: readonly string[];
  /** What the test was doing, one sentence each, innermost first. */
  readonly steps?: readonly string[];
  /** Where to look further. */
  readonly artifacts?: string;
}

/**
 * Tells a person why a script failed: its own line with the lines around it, the
 * error, what the test was doing, and where to look further.
 *
 * @param error What was thrown.
 * @param context What else is known.
 * @returns Several lines of text.
 */
export function describeFailure(
  error: unknown,
  context: FailureContext,
): string {
  const parts: string[] = [];
  const traceback = tracebackOf(error);
  const positions = traceback === undefined ? authorPositions(error) : [];
  const [innermost] = positions;
  if (innermost !== undefined) {
    parts.push(shown(innermost, context));
    const inScript = positions.find(({ url }) => url === context.scriptUrl);
    if (inScript !== undefined && innermost.url !== context.scriptUrl) {
      parts.push(shown(inScript, context));
    }
  }
  parts.push(
    traceback ??
      errorText(
        error,
        innermost === undefined && !(error instanceof ExpectedError),
      ),
  );
  parts.push(...context.remarks ?? []);
  for (const step of context.steps ?? []) parts.push(`while: ${step}`);
  if (context.artifacts !== undefined) {
    parts.push(`artifacts: ${context.artifacts}`);
  }
  return parts.join("\n");
}

function shown(position: Position, context: FailureContext): string {
  const isScript = position.url === context.scriptUrl;
  return isScript
    ? showPosition(position, context.scriptName, context.scriptText)
    : showPosition(position);
}

function errorText(error: unknown, withStack: boolean): string {
  if (!(error instanceof Error)) return `thrown: ${Deno.inspect(error)}`;
  let text = withoutColours(`${error.name}: ${error.message}`);
  // A TypeError that only wraps the complaint of who loads modules.
  text = text.replace(/^TypeError: (?=\w+Error: )/, "");
  if (withStack) {
    const frames = withoutColours(error.stack ?? "").split("\n")
      .filter((line) => /^\s+at /.test(line));
    text = [text, ...frames].join("\n");
  }
  if (error instanceof AggregateError) {
    for (const one of error.errors) {
      text += `\n${indented(errorText(one, false))}`;
    }
  }
  if (error.cause !== undefined) {
    text += `\ncaused by ${errorText(error.cause, false)}`;
  }
  return text;
}

function indented(text: string): string {
  return text.replace(/^/gm, "  ");
}
