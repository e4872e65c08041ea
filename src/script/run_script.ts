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
