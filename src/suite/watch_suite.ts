import { UsageError } from "../errors.ts";
import { Changes } from "../run/changes.ts";
import { type Interruption, onInterruption } from "../run/interruption.ts";
import { harmless } from "../scan/mod.ts";
import { withImports } from "./imports_of.ts";
import { type Entry, planSuite } from "./plan_suite.ts";
import { titleOf } from "./results.ts";
import { runPlan } from "./run_suite.ts";
import type { SuiteOptions } from "./suite_options.ts";

/**
 * Runs a suite. After each change of a file, it runs the tests again that use
 * the file; after a change of the suite's own file, all tests. A signal ends
 * it.
 *
 * @param options What to run, and how.
 * @param program The words that start this program.
 * @returns The exit status.
 * @throws {UsageError} if the suite is wrong at first.
 */
export async function watchSuite(
  options: SuiteOptions,
  program: readonly string[],
): Promise<number> {
  let plan = await planSuite(options);
  let entries = plan.entries;
  for (;;) {
    using changes = new Changes(
      [...plan.loaded.files, ...plan.entries.flatMap(filesOf)].filter(isFile),
    );
    if (entries.length > 0) {
      const { exitCode, interrupted } = await runPlan(
        { ...plan, entries },
        options,
        program,
      );
      if (interrupted) return exitCode;
    }
    console.error("vmwright: waiting for a change of the suite");
    const interruption = await nextOf(changes);
    if (interruption !== undefined) return interruption.exitCode;
    const changed = new Set(changes.changed());
    const isAll = plan.loaded.files.some((file) =>
      changed.has(Deno.realPathSync(file))
    );
    const touched = new Set(
      plan.entries.filter((entry) =>
        filesOf(entry).filter(isFile).some((file) =>
          changed.has(Deno.realPathSync(file))
        )
      ).map(({ test }) => titleOf(test)),
    );
    try {
      plan = await planSuite(options);
      entries = plan.entries.filter(({ test }) =>
        isAll || touched.has(titleOf(test))
      );
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      // The next change may repair the suite.
      console.error(`vmwright: ${harmless(error.message)}`);
      entries = [];
    }
  }
}

/** All files whose change makes a test run again. */
function filesOf({ setting: { files, script } }: Entry): string[] {
  return script === undefined
    ? [...files]
    : [...files.filter((file) => file !== script), ...withImports(script)];
}

/** Waits for a change, or for a signal. */
async function nextOf(changes: Changes): Promise<Interruption | undefined> {
  const { promise, resolve } = Promise.withResolvers<
    Interruption | undefined
  >();
  using _signals = onInterruption(resolve, (code) => Deno.exit(code));
  changes.next.then(() => resolve(undefined));
  return await promise;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
