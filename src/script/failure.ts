import { MachineError, TestFailure, UsageError } from "../report/errors.ts";
import { tracebackOf } from "./traceback.ts";

/** A place in a source file, counted from 1. */
export interface Position {
  /** The file's address. */
  readonly url: string;
  /** The line. */
  readonly line: number;
  /** The column. */
  readonly column: number;
}

/** What is known about a failed run besides its error. */
export interface FailureContext {
  /** The script's address. */
  readonly scriptUrl: string;
  /** What to call the script. */
  readonly scriptName: string;
  /** The script's text, where that is not in a file. */
  readonly scriptText?: string;
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
      errorText(error, innermost === undefined && !isExpected(error)),
  );
  for (const step of context.steps ?? []) parts.push(`while: ${step}`);
  if (context.artifacts !== undefined) {
    parts.push(`artifacts: ${context.artifacts}`);
  }
  return parts.join("\n");
}

/**
 * Finds the places in files of the author's that an error came through,
 * innermost first: not those in the driver or in the runtime.
 *
 * @param error What was thrown.
 * @returns The places.
 */
export function authorPositions(error: unknown): Position[] {
  if (!(error instanceof Error)) return [];
  const frames = plain(error.stack ?? "").matchAll(
    /^\s+at .*?(file:\/\/\/[^\s()]+?):(\d+)(?::(\d+))?\)?$/gm,
  );
  return [...frames]
    .map(([, url, line, column]) => ({
      url: url.replace(/\?run=\d+$/, ""),
      line: Number(line),
      column: Number(column ?? 1),
    }))
    .filter(({ url }) => !isOwn(url));
}

/** Whether an error says all that there is to say, wherever it was thrown. */
function isExpected(error: unknown): boolean {
  return error instanceof TestFailure || error instanceof MachineError ||
    error instanceof UsageError ||
    (error instanceof Error &&
      ["GlobalTimeout", "Interruption", "ScriptExit"].includes(error.name));
}

/** Where the program's own modules are: its sources, or the one bundled file. */
const ownRoot = new URL("../../", import.meta.url).href;
const ownFiles = ["mod.ts", "cli.ts", "src/"].map((path) => ownRoot + path);

function isOwn(url: string): boolean {
  if (url === import.meta.url) return true;
  return import.meta.url.startsWith(`${ownRoot}src/`) &&
    ownFiles.some((own) => url.startsWith(own));
}

function shown(position: Position, context: FailureContext): string {
  const isScript = position.url === context.scriptUrl;
  const name = isScript ? context.scriptName : pathOf(position.url);
  const head = `${name}:${position.line}:${position.column}`;
  const text = (isScript ? context.scriptText : undefined) ??
    readText(position.url);
  return text === undefined ? head : `${head}\n${excerpt(text, position)}`;
}

/**
 * Shows a line of a text with the lines around it, and a mark below its column.
 *
 * @param text The whole text.
 * @param position Which line and column.
 * @param around How many lines before and after. Default: 2.
 * @returns The lines, numbered.
 */
export function excerpt(
  text: string,
  position: { line: number; column: number },
  around = 2,
): string {
  const lines = text.replace(/\r?\n$/, "").split(/\r?\n/);
  const first = Math.max(1, position.line - around);
  const last = Math.min(lines.length, position.line + around);
  const width = String(last).length;
  const out: string[] = [];
  for (let number = first; number <= last; number++) {
    const line = lines[number - 1] ?? "";
    const mark = number === position.line ? ">" : " ";
    out.push(`${mark} ${String(number).padStart(width)} | ${line}`.trimEnd());
    if (number === position.line) {
      // Tabs stay tabs, so that the mark stands below its column.
      const indent = line.slice(0, position.column - 1).replace(/[^\t]/g, " ");
      out.push(`  ${" ".repeat(width)} | ${indent}^`);
    }
  }
  return out.join("\n");
}

function errorText(error: unknown, withStack: boolean): string {
  if (!(error instanceof Error)) return `thrown: ${Deno.inspect(error)}`;
  let text = plain(`${error.name}: ${error.message}`);
  // A TypeError that only wraps the complaint of who loads modules.
  text = text.replace(/^TypeError: (?=\w+Error: )/, "");
  if (withStack) {
    const frames = plain(error.stack ?? "").split("\n")
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

/** Without the colours that some messages bring along. */
function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[\d;]*m/g, "");
}

function pathOf(url: string): string {
  const path = decodeURIComponent(new URL(url).pathname);
  const here = `${Deno.cwd()}/`;
  return path.startsWith(here) ? path.slice(here.length) : path;
}

function readText(url: string): string | undefined {
  try {
    return Deno.readTextFileSync(new URL(url));
  } catch {
    return undefined;
  }
}
