import type { Script } from "./script.ts";

/** Options of running a script. */
export interface RunOptions {
  /** Called for each file of the author before it is read. */
  onFile?: (path: string) => void;
  /**
   * Whether to turn the author's files into JavaScript, because the runtime
   * does not; if nothing is given, this depends on whether the program is
   * compiled.
   */
  transpile?: boolean;
}

/** How often each script has run. */
const runs = new Map<string, number>();

type ModuleHooks = { deregister(): void };

/**
 * Runs a script written in TypeScript or JavaScript: its top level, and then
 * its default export, if that is a function.
 *
 * It imports a file directly, if the runtime can do that. It gives text, and a
 * file whose name does not mean TypeScript, to the runtime under the script's
 * own address, without writing it anywhere, so that imports and stack frames
 * are right. When the script runs again, it and the files that it imports are
 * read again.
 *
 * @param script The script.
 * @param context The argument of its default export.
 * @param options How to run it.
 * @throws The script's error.
 */
export async function runTypeScript(
  script: Script,
  context: Record<string, unknown>,
  options: RunOptions = {},
): Promise<void> {
  const { onFile, transpile = Deno.build.standalone } = options;
  const run = (runs.get(script.url) ?? 0) + 1;
  runs.set(script.url, run);
  const isModuleFile = script.path !== undefined &&
    /\.[cm]?[jt]sx?$/.test(script.path);
  const suffix = run > 1 ? `?run=${run}` : "";
  let hooks: ModuleHooks | undefined;
  try {
    if (!isModuleFile || suffix !== "" || onFile !== undefined || transpile) {
      const isGiven = !isModuleFile || (transpile && isTypeScript(script.url));
      hooks = await installHooks(script, {
        isGiven,
        suffix,
        onFile,
        transpile,
      });
    }
    const module = await import(script.url + suffix);
    if (typeof module.default === "function") await module.default(context);
  } finally {
    hooks?.deregister();
  }
}

interface HookOptions extends RunOptions {
  /** Whether the runtime can't read the script itself. */
  isGiven: boolean;
  /** Distinguishes the modules of this run from those of others. */
  suffix: string;
}

async function installHooks(
  script: Script,
  { isGiven, suffix, onFile, transpile }: HookOptions,
): Promise<ModuleHooks> {
  const { registerHooks, stripTypeScriptTypes } = await import("node:module");
  const main = script.url + suffix;
  const source = isGiven
    ? await javaScriptOf(script, stripTypeScriptTypes)
    : undefined;
  /** The author's modules: the script, and its imports by relative paths. */
  const own = new Set([main]);

  return registerHooks({
    resolve(specifier, context, next) {
      const parent = context.parentURL;
      const isOwn = parent !== undefined && own.has(parent) &&
        /^(\.\.?\/|\/|file:)/.test(specifier);
      if (!isOwn) {
        return specifier === main && source !== undefined
          ? { url: main, format: "module", shortCircuit: true }
          : next(specifier, context);
      }
      const url = new URL(specifier, parent);
      if (suffix !== "" && url.search === "") url.search = suffix;
      own.add(url.href);
      // Without this, the runtime's message would be about "unprepared"
      // modules.
      if (!exists(url)) throw new TypeError(`Module not found "${url.href}"`);
      return next(url.href, context);
    },
    load(url, context, next) {
      if (own.has(url)) onFile?.(decodeURIComponent(new URL(url).pathname));
      if (url === main && source !== undefined) {
        return { format: "module", source, shortCircuit: true };
      }
      if (!transpile || !own.has(url) || !isTypeScript(url)) {
        return next(url, context);
      }
      const text = Deno.readTextFileSync(new URL(new URL(url).pathname, url));
      const code = stripTypeScriptTypes(text, { mode: "transform" });
      return { format: "module", source: code, shortCircuit: true };
    },
  });
}

function isTypeScript(url: string): boolean {
  return /\.[cm]?tsx?$/.test(new URL(url).pathname);
}

function exists(url: URL): boolean {
  try {
    return Deno.statSync(new URL(url.pathname, url)).isFile;
  } catch {
    return false;
  }
}

type Strip = (
  code: string,
  options?: { mode: "strip" | "transform" },
) => string;

async function javaScriptOf(script: Script, strip: Strip): Promise<string> {
  const text = script.readText();
  try {
    return strip(text);
  } catch {
    // Stripping keeps all positions, but fails at enums and the like.
  }
  try {
    return strip(text, { mode: "transform" });
  } catch {
    // Its error has no place. The runtime's own parser reports the place.
  }
  const blob = new Blob([text], { type: "application/typescript" });
  const url = URL.createObjectURL(blob);
  try {
    await import(url);
  } catch (error) {
    if (error instanceof Error) {
      error.message = error.message.replaceAll(url, script.url);
      error.stack = error.stack?.replaceAll(url, script.url);
    }
    throw error;
  } finally {
    URL.revokeObjectURL(url);
  }
  throw new SyntaxError(`${script.name} can't be parsed`);
}
