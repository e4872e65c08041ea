import { ExpectedError } from "../errors.ts";
import {
  authorPositions,
  framesOf,
  type Position,
  readText,
  showPosition,
} from "../report/positions.ts";
import { withoutColours } from "../terminal/mod.ts";
import { tracebackOf } from "./traceback.ts";

/** What is known about a failed run besides its error. */
export interface FailureContext {
  /** The script's address. */
  readonly scriptUrl: string;
  /** The script's name. */
  readonly scriptName: string;
  /** The script's text, where that is not in a file. */
  readonly scriptText?: string;
  /** Notes about the failure's line. */
  readonly remarks?: readonly string[];
  /** What the test was doing, one sentence each, innermost first. */
  readonly steps?: readonly string[];
  /** The last looks of the test's waits, one text each. */
  readonly lastSeen?: readonly string[];
  /** What else is wrong with the machines, one sentence each. */
  readonly troubles?: readonly string[];
  /**
   * An error that was made where the latest step began, for an error without a
   * place.
   */
  readonly latestStep?: Error;
  /** Where to look further. */
  readonly artifacts?: string;
}

/** How many lines of the last look are shown. */
const SEEN_LINES = 10;

/** Facts that lead to a failure's place, beside its error. */
export type PlaceContext = Pick<
  FailureContext,
  "scriptUrl" | "scriptName" | "scriptText" | "latestStep"
>;

/** Where in the author's files a failure is. */
export interface FailurePlace {
  /** The places that its error came through, innermost first. */
  readonly positions: readonly Position[];
  /** Whether they only tell of the latest step before it. */
  readonly isBefore: boolean;
}

/**
 * Finds where in the author's files a failure is.
 *
 * @param error What was thrown.
 * @param context What else is known.
 * @returns The places; none if nothing leads to one.
 */
export function placeOfFailure(
  error: unknown,
  context: PlaceContext,
): FailurePlace {
  const traceback = tracebackOf(error);
  const positions = traceback === undefined
    ? authorPositions(error)
    : positionsIn(withoutMessage(traceback, error), context);
  if (positions.length > 0 || traceback !== undefined) {
    return { positions, isBefore: false };
  }
  return { positions: authorPositions(context.latestStep), isBefore: true };
}

/** A traceback up to the message, which may quote a guest. */
function withoutMessage(traceback: string, error: unknown): string {
  if (!(error instanceof Error) || error.message === "") return traceback;
  const at = traceback.lastIndexOf(error.message);
  return at < 0 ? traceback : traceback.slice(0, at);
}

/** A frame of a traceback of Python's, with its line and the marks below that. */
const FRAME = /^ +File "(.*)", line (\d+).*\n(?: {4}.*\n( +[~^]+[~^ ]*$)?)?/gm;

/** The last line of the script that a traceback of Python's shows. */
function positionsIn(
  traceback: string,
  { scriptUrl, scriptName, scriptText }: PlaceContext,
): Position[] {
  const last = [...traceback.matchAll(FRAME)]
    .findLast(([, file]) => file === scriptName);
  if (last === undefined) return [];
  const [, , number, marks] = last;
  const line = Number(number);
  const source = scriptText ?? readText(scriptUrl) ?? "";
  const indent = /^\s*/.exec(source.split(/\r?\n/)[line - 1] ?? "")![0].length;
  // The traceback shows each line indented by four.
  const offset = marks === undefined ? 0 : marks.search(/[~^]/) - 4;
  return [{ url: scriptUrl, line, column: indent + Math.max(0, offset) + 1 }];
}

/** A traceback without the lines that the place above it shows already. */
function withoutPlace(traceback: string): string {
  const [frame, ...more] = traceback.matchAll(FRAME);
  if (frame === undefined || more.length > 0) return traceback;
  return traceback.replace(
    /^Traceback \(most recent call last\):\n(?: .*\n)+/,
    "",
  );
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
  const { positions, isBefore } = placeOfFailure(error, context);
  const [innermost] = positions;
  if (innermost !== undefined) {
    const text = shown(innermost, context);
    parts.push(isBefore ? text.replace(/$/m, LATEST) : text);
    const inScript = positions.find(({ url }) => url === context.scriptUrl);
    if (inScript !== undefined && innermost.url !== context.scriptUrl) {
      parts.push(shown(inScript, context));
    }
  }
  const isKnown = innermost !== undefined && !isBefore;
  parts.push(
    traceback === undefined
      ? errorText(error, !isKnown && !(error instanceof ExpectedError))
      : isKnown
      ? withoutPlace(traceback)
      : traceback,
  );
  parts.push(...context.remarks ?? []);
  for (const step of context.steps ?? []) parts.push(`while: ${step}`);
  for (const seen of context.lastSeen ?? []) {
    parts.push(`last seen: ${lastOf(seen)}`);
  }
  for (const trouble of context.troubles ?? []) parts.push(`also: ${trouble}`);
  if (context.artifacts !== undefined) {
    parts.push(`artifacts: ${context.artifacts}`);
  }
  return parts.join("\n");
}

/** The margin beside a place that only comes before the failure. */
const LATEST = " (where the latest step began)";

function lastOf(text: string): string {
  const lines = text.split("\n");
  return lines.length <= SEEN_LINES
    ? text
    : ["…", ...lines.slice(-SEEN_LINES)].join("\n");
}

function shown(position: Position, context: FailureContext): string {
  return position.url === context.scriptUrl
    ? showPosition(position, context.scriptName, context.scriptText)
    : showPosition(position);
}

function errorText(error: unknown, withStack: boolean): string {
  if (!(error instanceof Error)) return `thrown: ${Deno.inspect(error)}`;
  let text = withoutColours(`${error.name}: ${error.message}`);
  // Assertions put empty lines around a difference. Lines of it are indented.
  if (error.name === "AssertionError") {
    text = text.replace(/\n+/g, "\n").trimEnd();
  }
  // This TypeError only wraps the error of the module loader.
  text = text.replace(/^TypeError: (?=\w+Error: )/, "");
  if (withStack) {
    text = [text, ...framesOf(error)].join("\n");
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
