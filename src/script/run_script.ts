import type { Language } from "./language.ts";
import type { Script } from "./script.ts";
import { type RunOptions, runTypeScript } from "./typescript.ts";

/** What runs scripts of one language. */
export type Runner = (
  script: Script,
  context: Record<string, unknown>,
  options?: RunOptions,
) => Promise<void>;

const runners: Record<Language, () => Promise<Runner>> = {
  typescript: () => Promise.resolve(runTypeScript),
  python: async () => (await import("./python/mod.ts")).runPython,
};

/**
 * Runs a test script in the language that it is written in.
 *
 * @param script The script.
 * @param context Every name that it sees.
 * @param options How to run it.
 * @throws What the script throws.
 */
export async function runScript(
  script: Script,
  context: Record<string, unknown>,
  options?: RunOptions,
): Promise<void> {
  const run = await runners[script.language]();
  await run(script, context, options);
}

/**
 * Starts what it takes to run a script, so that it is there when it is wanted.
 *
 * @param script The script.
 * @returns What ends that again, where there is something to end.
 */
export async function prepareScript(
  script: Script,
): Promise<AsyncDisposable | undefined> {
  if (script.language !== "python") return;
  return (await import("./python/mod.ts")).preparePython(script);
}
