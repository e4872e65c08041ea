import { directoryOf } from "../paths.ts";
import { Supervisor } from "../backend/mod.ts";
import { shellQuote } from "../shell/mod.ts";
import { UsageError } from "../errors.ts";
import { makeCheckDirectory } from "./check_directory.ts";
import { declarations, type ScriptNames } from "./declarations.ts";
import { fileUrl, type Script } from "./script.ts";

/** A type error in a script, or an error that prevents reading it. */
export interface TypeDiagnostic {
  /** The place: file, line and column. */
  readonly place: string;
  /** The message. */
  readonly message: string;
  /** The line with marks below the error, if they are known. */
  readonly source?: string;
  /**
   * Whether the script can't run: it is no TypeScript, or a module is missing.
   */
  readonly isFatal?: boolean;
  /** Whether it is only a hint, and the script is right. */
  readonly isWarning?: boolean;
}

/** Options of {@linkcode checkTypes}. */
export interface CheckOptions {
  /** Ends the check. */
  signal?: AbortSignal;
}

/** The message if {@linkcode findApi} finds nothing. */
export const missingApi =
  "expected the declarations of the API beside the program, but there is no mod.d.ts";

/** The path of a `deno` that can check types, if there is one. */
export function findDeno(): string | undefined {
  // The executable of a compiled program has no checker.
  return Deno.build.standalone ? undefined : Deno.execPath();
}

/**
 * The address of the API's types: in the sources, or beside the bundle or the
 * compiled program. Other programs can't read files inside of that.
 */
export function findApi(): string | undefined {
  const places = Deno.build.standalone
    ? [new URL("./mod.d.ts", fileUrl(Deno.execPath()))]
    : ["../../mod.ts", "./mod.ts", "./mod.d.ts"].map((path) =>
      new URL(path, import.meta.url)
    );
  for (const url of places) {
    if (url.protocol !== "file:") return url.href;
    try {
      if (Deno.statSync(url).isFile) return url.href;
    } catch {
      // Try the next place.
    }
  }
}

/**
 * Checks a script's types with `deno check`, without running the script.
 *
 * During the check, a separate directory has the declarations of the names that
 * the script sees. Its path depends only on their text. So `deno` recognises a
 * script that it has checked before, and ends at once.
 *
 * @param script The script.
 * @param names The machines and networks.
 * @param options How to check.
 * @returns The errors.
 * @throws {UsageError} if there is no `deno`, or if it can't check the script.
 */
export async function checkTypes(
  script: Script,
  names: ScriptNames,
  options: CheckOptions = {},
): Promise<TypeDiagnostic[]> {
  const deno = findDeno(), api = findApi();
  if (deno === undefined) {
    throw new UsageError(
      "deno checks types, and a compiled program does not contain it",
    );
  }
  if (api === undefined) throw new UsageError(missingApi);
  const text = declarations(names, api);
  // The check and the directory end with the program, whatever ends that.
  await using supervisor = new Supervisor();
  const directory = await makeCheckDirectory(text, supervisor);
  const file = `${directory}/vmwright.d.ts`;
  await Deno.writeTextFile(file, text);

  let target = new URL(script.url).pathname;
  const isFile = isScriptFile(script);
  if (!isFile) {
    target = `${directory}/script.ts`;
    await Deno.writeTextFile(
      target,
      absoluteImports(script.readText(), script.url),
    );
  } else {
    target = decodeURIComponent(target);
  }
  const command = [deno, "check", "--quiet", "--no-lock", file, target];
  const { signal } = options;
  if (signal?.aborted) return [];
  const process = supervisor.spawn(
    `exec ${command.map(shellQuote).join(" ")}`,
    {
      cwd: isFile ? directoryOf(target) : Deno.cwd(),
      env: { NO_COLOR: "1" },
    },
  );
  process.stdin.close().catch(() => {});
  const stop = () => supervisor.reap(process);
  signal?.addEventListener("abort", stop);
  const output = await process.output();
  signal?.removeEventListener("abort", stop);
  supervisor.reap(process);
  if (output.success || signal?.aborted) return [];
  const complaint = new TextDecoder().decode(output.stderr);
  const all = parseDiagnostics(complaint);
  const own = [
    new URL("./src/", api).href,
    api,
    `file://${directory}/v`,
  ];
  const isOwn = ({ url }: { url: string }) =>
    own.some((start) => url.startsWith(start));
  // If `deno` can't read the driver's own declarations, it has checked nothing.
  if (all.every((one) => isOwn(one) && one.isFatal)) {
    const reason = complaint.replace(/^error: /, "")
      .replace(/\n+Stack backtrace:[^]*$/, "").trim();
    throw new UsageError(`deno can't check ${script.name}: ${reason}`);
  }
  return all.filter((one) => !isOwn(one))
    .map(({ url, place, ...rest }) => ({
      place: `${placeIn(script, url, directory)}:${place}`,
      ...rest,
    }));
}

/** Whether a script is a file that a checker reads as it is. */
export function isScriptFile(script: Script): boolean {
  return isJavaScript(script) ||
    /\.[cm]?tsx?$/.test(new URL(script.url).pathname);
}

/**
 * The name for a person of a file that was checked.
 *
 * @param script The script.
 * @param url The file's address.
 * @param directory Where the script's copy is, if it has one.
 */
export function placeIn(
  script: Script,
  url: string,
  directory: string,
): string {
  return url === fileUrl(`${directory}/script.ts`) || url === script.url
    ? script.name
    : shortened(url);
}

/** Whether a script is a file of JavaScript, which has no types. */
export function isJavaScript(script: Script): boolean {
  return script.path !== undefined && /\.[cm]?jsx?$/.test(script.path);
}

/** Whether a script has types to check; JavaScript has them on demand. */
export function wantsCheck(script: Script): boolean {
  return !isJavaScript(script) ||
    /^\s*\/\/\s*@ts-check\b/m.test(script.readText());
}

/**
 * Makes the relative imports of a script absolute, for a copy in another place.
 *
 * @param code The script's text.
 * @param url Its address.
 * @returns The text of the copy.
 */
export function absoluteImports(code: string, url: string): string {
  return code.replace(
    /(\b(?:from|import)\s*\(?\s*)(["'])(\.{0,2}\/[^"'\n]*)\2/g,
    (_, before, quote, path) => before + quote + new URL(path, url) + quote,
  );
}

/** Parses the output of `deno check`. */
export function parseDiagnostics(
  output: string,
): (TypeDiagnostic & { url: string })[] {
  const found: (TypeDiagnostic & { url: string })[] = [];
  for (const block of output.split(/^(?=TS\d+ \[ERROR\]: )/m)) {
    const match =
      /^TS\d+ \[ERROR\]: ([^]*?)\n(?:([^\n]*\n *[~^]+[^\n]*)\n)? {4}at ([^\n]+?):(\d+):(\d+)$/m
        .exec(block);
    if (match === null) continue;
    const [, message, source, url, line, column] = match;
    found.push({
      url,
      place: `${line}:${column}`,
      message: message.replace(/^ {2}hint: .*$/m, "").trim(),
      source,
      // The errors of a missing module: "Cannot find module", "not a
      // dependency".
      ...block.startsWith("TS2307 ") ? { isFatal: true } : {},
    });
  }
  return found.length > 0 ? found : parseParserError(output);
}

/** The error of a file that can't be parsed. */
function parseParserError(
  output: string,
): (TypeDiagnostic & { url: string })[] {
  const match =
    /^error: ([^]+?)\n(?:[^]*?^ *\d+ \| ([^\n]*)\n *\|( *~+)\n)?[^]*?^ {4}at (\S+):(\d+):(\d+)$/m
      .exec(output);
  if (match === null) return [];
  const [, message, line, mark, url, row, column] = match;
  return [{
    url,
    place: `${row}:${column}`,
    message: message.trim(),
    source: line === undefined ? undefined : `${line}\n${mark.slice(1)}`,
    isFatal: true,
  }];
}

function shortened(url: string): string {
  const path = url.startsWith("file:")
    ? decodeURIComponent(new URL(url).pathname)
    : url;
  const here = `${Deno.cwd()}/`;
  return path.startsWith(here) ? path.slice(here.length) : path;
}
