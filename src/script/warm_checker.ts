import { directoryOf } from "../paths.ts";
import { Supervisor } from "../backend/mod.ts";
import { orAbort } from "../time/mod.ts";
import { makeCheckDirectory } from "./check_directory.ts";
import {
  absoluteImports,
  type CheckOptions,
  checkTypes,
  findApi,
  findDeno,
  isScriptFile,
  placeIn,
  type TypeDiagnostic,
} from "./check_types.ts";
import { declarations, type ScriptNames } from "./declarations.ts";
import { LanguageServer, type ServerDiagnostic } from "./language_server.ts";
import { fileUrl, type Script } from "./script.ts";

/** The server, and where the declarations of the script's names are for it. */
interface Warm {
  readonly server: LanguageServer;
  readonly directory: string;
}

/** Addresses of modules that an author's text imports. */
const IMPORTED = /\b(?:from|import)\s*\(?\s*(["'])([^"'\n]+)\1/g;

/**
 * Checks a script's types again and again. A cold check begins each time from
 * nothing; after the first one, a checker that stays needs only milliseconds.
 *
 * Wherever the two may differ, it gives the result of a cold check.
 */
export class WarmChecker implements AsyncDisposable {
  readonly #names: ScriptNames;
  readonly #supervisor = new Supervisor();
  #warming?: Promise<void>;
  #warm?: Warm;

  /**
   * Takes the names that the script sees.
   *
   * @param names The machines and networks.
   */
  constructor(names: ScriptNames) {
    this.#names = names;
  }

  /** Whether the next check is quick. */
  get isWarm(): boolean {
    return this.#warm !== undefined && !this.#warm.server.isGone;
  }

  /**
   * Checks a script.
   *
   * @param script The script.
   * @param options How to check.
   * @returns The errors.
   * @throws {UsageError} if there is no `deno`, or if it can't check the script.
   */
  async check(
    script: Script,
    options: CheckOptions = {},
  ): Promise<TypeDiagnostic[]> {
    if (this.#warm !== undefined && this.isWarm) {
      const quick = this.#ask(this.#warm, script).catch(() => undefined);
      const found = await orAbort(quick, options.signal).catch(() => []);
      if (found !== undefined) return found;
    }
    const found = await checkTypes(script, this.#names, options);
    // A second checker would take processor time from the first.
    this.#warming ??= this.#warmUp(script).catch(() => {});
    return found;
  }

  /** Settled when the checker is warm, or can't be. */
  get warmed(): Promise<void> {
    return this.#warming ?? Promise.resolve();
  }

  /** Ends the checker that stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervisor[Symbol.asyncDispose]();
    await this.warmed;
  }

  async #warmUp(script: Script): Promise<void> {
    const deno = findDeno(), api = findApi();
    if (deno === undefined || api === undefined) return;
    const text = declarations(this.#names, api);
    const directory = await makeCheckDirectory(text, this.#supervisor);
    const path = decodeURIComponent(new URL(script.url).pathname);
    const server = await LanguageServer.start(
      deno,
      projectOf(directoryOf(path)),
      this.#supervisor,
    );
    const own = fileUrl(`${directory}/vmwright.d.ts`);
    server.write(own, text);
    const warm = { server, directory };
    // Without the API's types, everything would look right.
    if ((await server.errors(own)).length > 0) return;
    await this.#ask(warm, script);
    this.#warm = warm;
  }

  /** The server's findings; nothing if a cold check may find something else. */
  async #ask(
    { server, directory }: Warm,
    script: Script,
  ): Promise<TypeDiagnostic[] | undefined> {
    const own = fileUrl(`${directory}/vmwright.d.ts`);
    const isFile = isScriptFile(script);
    const main = isFile
      ? script.url.replace(/[?#].*$/, "")
      : fileUrl(`${directory}/script.ts`);
    const text = isFile
      ? script.readText()
      : absoluteImports(script.readText(), script.url);
    const texts = new Map([[main, text]]);
    let followed = true;
    for (const [url, text] of texts) {
      for (const [, , address] of text.matchAll(IMPORTED)) {
        if (/^(?:npm|jsr|node|https?|data):/.test(address)) continue;
        if (!/^(?:\.{0,2}\/|file:)/.test(address)) {
          followed = false;
          continue;
        }
        const imported = new URL(address, url).href;
        if (texts.has(imported)) continue;
        try {
          texts.set(imported, Deno.readTextFileSync(new URL(imported)));
        } catch {
          return;
        }
      }
    }
    for (const [url, text] of texts) {
      // The script's own project may be another than that of the declarations.
      server.write(
        url,
        url === main ? `${text}\nimport ${JSON.stringify(own)};` : text,
      );
    }
    const all: TypeDiagnostic[] = [];
    // Imported files come first, as in a cold check.
    for (const [url, text] of [...texts].reverse()) {
      if (!/\.[cm]?[jt]sx?$/.test(url)) continue;
      const lines = text.split("\n");
      for (const error of await server.errors(url)) {
        if (!isOfTypes(error)) return;
        all.push(diagnosticOf(error, placeIn(script, url, directory), lines));
      }
    }
    return followed || all.length > 0 ? all : undefined;
  }
}

/** Whether the type checker itself says so, about a text that it could read. */
function isOfTypes({ source, code }: ServerDiagnostic): boolean {
  return source === "deno-ts" && Number(code) >= 2000 && code !== 2307;
}

function diagnosticOf(
  { range: { start, end }, message }: ServerDiagnostic,
  file: string,
  lines: readonly string[],
): TypeDiagnostic {
  const line = lines[start.line] ?? "";
  const last = end.line === start.line ? end.character : line.length;
  const width = last - start.character;
  // `deno check` marks a single character so.
  const mark = width > 1 ? "~".repeat(width) : "^";
  return {
    place: `${file}:${start.line + 1}:${start.character + 1}`,
    message,
    source: `${line}\n${" ".repeat(start.character)}${mark}`,
  };
}

/** The directory of the `deno.json` that counts for a directory, or itself. */
function projectOf(directory: string): string {
  for (let at = directory;; at = directoryOf(at)) {
    for (const name of ["deno.json", "deno.jsonc", "package.json"]) {
      try {
        if (Deno.statSync(`${at}/${name}`).isFile) return at;
      } catch {
        // The file is in a directory above.
      }
    }
    if (at === "/" || at === directoryOf(at)) return directory;
  }
}
