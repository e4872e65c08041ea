import type { Script } from "./script.ts";

/** How to run a script. */
export interface RunOptions {
  /** Told of each file of the author's that is about to be read. */
  onFile?: (path: string) => void;
  /**
   * Whether to make JavaScript of the author's files, because the runtime does not
   * do so. Default: in a compiled program.
   */
  transpile?: boolean;
}

/** How often each script was run so far. */
const runs = new Map<string, number>();

type ModuleHooks = { deregister(): void };

/**
 * Runs a script written in TypeScript or JavaScript: its top level, and, if its
 * default export is a function, that as well.
 *
 * A file is imported as it is, where the runtime can do that. Text, and a file whose name does not say that it
 * is TypeScript, is given to the runtime under its own address without being
 * written anywhere, so that its imports and its stack frames come out right.
 * Whenever it is run again, it and the files that it imports are read again.
 *
 * @param script The script.
 * @param context What its default export receives.
 * @param options How to run it.
 * @throws What the script throws.
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
  /** What tells this run's modules from those of others. */
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
  /** The author's modules: the script, and what those import by relative paths. */
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
      // Left to itself, the runtime says something about "unprepared" modules.
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
    // Stripping keeps every position, but can't do enums and the like.
  }
  try {
    return strip(text, { mode: "transform" });
  } catch {
    // It does not say where the mistake is; the runtime's own parser does.
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
  throw new SyntaxError(`${script.name} can not be parsed`);
}
