import type { Driver } from "../driver/mod.ts";
import type { Language } from "./language.ts";
import type { Script } from "./script.ts";
import { type RunOptions, runTypeScript } from "./typescript.ts";

/** The surroundings of a script. */
export interface Surroundings {
  /** The driver, unless the script makes its own. */
  readonly driver?: Driver;
  /** The names that a script in TypeScript sees. Python makes its own. */
  readonly context: Record<string, unknown>;
}

/** Runs scripts of one language. */
export type Runner = (
  script: Script,
  surroundings: Surroundings,
  options?: RunOptions,
) => Promise<void>;

const runners: Record<Language, Runner> = {
  typescript: async (script, { context, driver }, options) => {
    try {
      await runTypeScript(script, context, options);
    } catch (error) {
      await driver?.debug.failed?.(error);
      throw error;
    }
  },
  python: async (script, { driver }) => {
    if (driver === undefined) throw new TypeError("Python expects a driver");
    const { runPython } = await import("./python/mod.ts");
    await runPython(script, driver);
  },
};

/**
 * Runs a test script in the language that it is written in.
 *
 * @param script The script.
 * @param surroundings The script's driver and names.
 * @param options How to run it.
 * @throws What the script throws.
 */
export async function runScript(
  script: Script,
  surroundings: Surroundings,
  options?: RunOptions,
): Promise<void> {
  await runners[script.language](script, surroundings, options);
}

/**
 * Starts the runtime of a script, so that it is ready when the script runs.
 *
 * @param script The script.
 * @returns An object that ends it when it is disposed; nothing if there is
 * nothing to end.
 */
export async function prepareScript(
  script: Script,
): Promise<AsyncDisposable | undefined> {
  if (script.language !== "python") return;
  return (await import("./python/mod.ts")).preparePython(script);
}
