import { withoutColours } from "../terminal/mod.ts";

/** A place in a source file, counted from 1. */
export interface Position {
  /** The file's address. */
  readonly url: string;
  /** The line. */
  readonly line: number;
  /** The column. */
  readonly column: number;
}

/** A place that a stack leads to. */
export interface StackPlace {
  /** The place. */
  readonly position: Position;
  /**
   * Whether the code there waits. What it waits for may have been called
   * elsewhere, as a part of a `Promise.all` for example.
   */
  readonly waits: boolean;
}

/** Where the author called what failed, if an error's stack does not have it. */
const calls = new WeakMap<Error, Position>();

/**
 * Finds the places in files of the author's that an error came through,
 * innermost first: not those in the driver, in a library or in the runtime.
 *
 * @param error What was thrown.
 * @returns The places.
 */
export function authorPositions(error: unknown): Position[] {
  if (!(error instanceof Error)) return [];
  const positions = authorPlaces(error).map(({ position }) => position);
  const call = calls.get(error);
  return call === undefined ? positions : [call, ...positions];
}

/**
 * The frames of an error's stack, a line each. The message before them does not
 * count: it may quote a guest, which must not choose the places that are shown.
 *
 * @param error The error.
 */
export function framesOf(error: Error): string[] {
  const stack = withoutColours(String(error.stack ?? ""));
  const message = withoutColours(String(error.message));
  const at = stack.indexOf(message);
  // Elsewhere, it is no message but a part of a frame.
  const isFirst = at >= 0 && !stack.slice(0, at).includes("\n");
  const rest = isFirst ? stack.slice(at + message.length) : stack;
  const frames = rest.split("\n").filter((line) => /^\s+at /.test(line));
  // The module loader tells where a mistake is by a frame in its message.
  const [, mistake] = error instanceof TypeError &&
      /\n( +at file:\/\/\/[^\n]+:\d+:\d+)$/.exec(message) || [];
  return mistake === undefined ? frames : [mistake, ...frames];
}

function authorPlaces(error: Error): StackPlace[] {
  return framesOf(error)
    .map((line) => authorFrame.exec(line))
    .filter((found) => found !== null)
    .map(([, waits, url, line, column]) => ({
      position: {
        url: addressOf(url),
        line: Number(line),
        column: Number(column ?? 1),
      },
      waits: waits !== undefined,
    }))
    .filter(({ position: { url } }) => !isOwn(url) && !isLibrary(url));
}

/** A frame in a file, with its place. */
const authorFrame = /^\s+at (async )?.*?(file:\/\/\/.+?):(\d+)(?::(\d+))?\)?$/;

/**
 * Notes where the author called what failed with an error, unless the error has
 * that line already.
 *
 * @param error The error.
 * @param call The place of the call.
 */
export function noteCall(error: Error, call: Position): void {
  if (calls.has(error)) return;
  const [innermost] = authorPlaces(error);
  if (innermost?.waits === false) return;
  const { url, line } = innermost?.position ?? {};
  if (url !== call.url || line !== call.line) calls.set(error, call);
}

/** A module's address as scripts have it: the runtime writes some of its spaces. */
function addressOf(url: string): string {
  return url.replace(/\?run=\d+$/, "").replaceAll(" ", "%20");
}

/** What V8 knows of a frame before it is put into words. */
interface CallSite {
  getScriptNameOrSourceURL(): string | null;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
  /** Whether it waits for the frame before it. */
  isAsync(): boolean;
}

/**
 * The addresses of the author's modules, by V8's addresses for them; nothing
 * for other modules.
 */
const authors = new Map<string, string | undefined>();

/**
 * The first of {@linkcode authorPositions}, of an error whose stack nobody has
 * read. This takes a fifth of the time, because V8 need not format the stack.
 *
 * @param error The error. Its stack is of no use afterwards.
 */
export function firstAuthorPlace(error: Error): StackPlace | undefined {
  const before = Error.prepareStackTrace;
  Error.prepareStackTrace = (_, sites) => sites;
  let sites: unknown;
  try {
    sites = error.stack;
  } finally {
    Error.prepareStackTrace = before;
  }
  if (!Array.isArray(sites)) return authorPlaces(error)[0];
  for (const site of sites as CallSite[]) {
    const script = site.getScriptNameOrSourceURL();
    if (script === null || !script.startsWith("file:///")) continue;
    if (!authors.has(script)) {
      const url = addressOf(script);
      authors.set(script, isOwn(url) || isLibrary(url) ? undefined : url);
    }
    const url = authors.get(script);
    if (url === undefined) continue;
    return {
      position: {
        url,
        line: site.getLineNumber() ?? 1,
        column: site.getColumnNumber() ?? 1,
      },
      waits: site.isAsync(),
    };
  }
}

/** Where the program's own modules are: its sources, or the one bundled file. */
const ownRoot = new URL("../../", import.meta.url).href;
const ownFiles = ["mod.ts", "cli.ts", "src/"].map((path) => ownRoot + path);

function isOwn(url: string): boolean {
  if (url === import.meta.url) return true;
  return import.meta.url.startsWith(`${ownRoot}src/`) &&
    ownFiles.some((own) => url.startsWith(own));
}

/** Whether a module comes from a registry: in `node_modules`, or in Deno's cache. */
function isLibrary(url: string): boolean {
  return /\/node_modules\/|\/npm\/[^/]+\/(?:@[^/]+\/)?[^/]+\/\d+\.\d+\.\d+[^/]*\//
    .test(url);
}

/** Frames that are looked at for a line of the author's: waits lie deep. */
const deepest = 60;

/** Runs `fn`; an error that it makes remembers more of who called. */
export function withDeepStack<T>(fn: () => T): T {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = deepest;
  try {
    return fn();
  } finally {
    Error.stackTraceLimit = before;
  }
}

/** Where the calling code was called from, of the author's files. */
export function callerPosition(): Position | undefined {
  return firstAuthorPlace(withDeepStack(() => new Error()))?.position;
}

/**
 * Adds to an error the author's line that waits: an error that was made
 * elsewhere, by a timer or for several waits, does not have it.
 *
 * @param error What is about to be passed on.
 * @param isExpected Whether its place in the driver does not matter.
 */
export function addCaller(error: unknown, isExpected: boolean): void {
  if (!(error instanceof Error) || !Object.isExtensible(error)) return;
  if (authorPositions(error).length === 0) {
    const here = withDeepStack(() => new Error());
    if (authorPositions(here).length === 0) return;
    if (isExpected) withDeepStack(() => Error.captureStackTrace(error));
    else {
      const [, ...frames] = here.stack!.split("\n");
      error.stack = `${error.stack}\n${frames.join("\n")}`;
    }
  }
  if (isExpected && kept === 0) hideOwnFrames(error);
}

/** The runs that show errors themselves. */
let kept = 0;

/**
 * Makes errors keep the driver's frames, until this is disposed of: for a run
 * that shows its errors itself. If the stack of an error was changed, the
 * import of a script does not throw the same object, but a plain `Error`.
 */
export function keepOwnFrames(): Disposable {
  kept++;
  return { [Symbol.dispose]: () => void kept-- };
}

/** Frames of a stack as text, each with the file that it is in, if any. */
const frameLine = /^\s+at .*?(?:(file:\/\/\/.+?):\d+(?::\d+)?\)?)?$/;

/**
 * Makes an error's stack begin with the author's line: if nobody catches it,
 * the runtime shows that line, and not the driver's.
 */
function hideOwnFrames(error: Error): void {
  const frames = framesOf(error);
  const isOwnFrame = (line: string) => {
    const url = frameLine.exec(line)?.[1];
    return url === undefined || isOwn(url);
  };
  const first = frames.findIndex((line) => !isOwnFrame(line));
  if (first <= 0) return;
  // The runtime prefers the places that it has noted itself.
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  Error.captureStackTrace(error);
  // It notes them when somebody reads the stack.
  void error.stack;
  Error.stackTraceLimit = before;
  const [position] = authorPositions({
    stack: frames[first],
    __proto__: Error.prototype,
  });
  error.stack = [
    `${error.name}: ${error.message}`,
    ...position === undefined ? [] : sourceLine(position),
    ...frames.slice(first),
  ].join("\n");
}

/** A line of a file, and a mark below it, as the runtime shows them. */
function sourceLine({ url, line, column }: Position): string[] {
  const source = readText(url)?.split(/\r?\n/)[line - 1];
  if (source === undefined) return [];
  const indent = source.slice(0, column - 1).replace(/[^\t]/g, " ");
  return [source, `${indent}^`];
}

/** The path of a module's file, relative to the working directory where it is below. */
export function pathOf(url: string): string {
  const path = decodeURIComponent(new URL(url).pathname);
  const here = `${Deno.cwd()}/`;
  return path.startsWith(here) ? path.slice(here.length) : path;
}

/**
 * Shows a place to a person: where it is, and its line among those around it.
 *
 * @param position The place.
 * @param name What to call its file. Default: its path.
 * @param text The file's text. Default: what the file holds.
 */
export function showPosition(
  position: Position,
  name: string = pathOf(position.url),
  text: string | undefined = readText(position.url),
): string {
  const head = `${name}:${position.line}:${position.column}`;
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

/** The text of a module's file, where it can be read. */
export function readText(url: string): string | undefined {
  try {
    return Deno.readTextFileSync(new URL(url));
  } catch {
    return undefined;
  }
}
