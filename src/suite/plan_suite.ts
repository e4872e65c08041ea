import { UsageError } from "../errors.ts";
import { absolute } from "../paths.ts";
import { type History, readHistory } from "./history.ts";
import { checkSuite, type LoadedSuite, loadSuite } from "./load_suite.ts";
import { settingOf, type TestSetting } from "./machines_of.ts";
import { type Needs, needsOf } from "./needs.ts";
import { type PlannedTest, plannedTests } from "./planned_test.ts";
import { readResults, type SuiteResults, titleOf } from "./results.ts";
import { selectTests } from "./select.ts";
import { testsOfShard } from "./split.ts";
import { type SuiteOptions, USUAL_OUT_DIR } from "./suite_options.ts";

/** A test that is to run, with what is known of it. */
export interface Entry {
  readonly test: PlannedTest;
  readonly setting: TestSetting;
  readonly needs: Needs;
}

/** Where the tests run that are selected. */
export interface SuitePlan {
  readonly loaded: LoadedSuite;
  readonly entries: readonly Entry[];
  /** The names of all selected tests, in all shards. */
  readonly planned: readonly string[];
  readonly history: History;
  /** The absolute path of the file that holds it. */
  readonly historyPath: string;
  /** The absolute path of the directory for results. */
  readonly outDir: string;
  /** The same as a person would name it. */
  readonly shownOutDir: string;
}

/**
 * Reads a suite and selects its tests.
 *
 * @throws {UsageError} if something is wrong.
 */
export async function planSuite(options: SuiteOptions): Promise<SuitePlan> {
  checkNumbers(options);
  const { suite = [] } = options;
  const loaded = typeof suite === "string" || isPaths(suite)
    ? await loadSuite(isPaths(suite) ? suite : [suite])
    : {
      suite: checkSuite(suite, "the suite"),
      folder: Deno.cwd(),
      name: suite.name ?? "suite",
      files: [],
    };
  const outDir = absolute(options.outDir ?? USUAL_OUT_DIR);
  const historyPath = options.history === undefined
    ? `${outDir}/history`
    : absolute(options.history);
  const history = readHistory(historyPath);
  const selected = selectTests(plannedTests(loaded), {
    names: options.names,
    tags: options.tags,
    last: options.lastFailed ? lastResults(outDir) : undefined,
  });
  const { repeat = 1 } = options;
  const tests = selected.flatMap((test) =>
    repeat === 1 ? test : Array.from({ length: repeat }, (_, at) => ({
      ...test,
      repetition: at + 1,
    }))
  );
  const planned = tests.map((test) => titleOf(test));
  const own = options.shard &&
    new Set(testsOfShard(planned, titled(tests, history), options.shard));
  const entries = tests.flatMap((test): Entry[] => {
    if (own?.has(titleOf(test)) === false) return [];
    const setting = settingOf(test, loaded.folder);
    if (test.skip === undefined) requireFiles(test, setting);
    const needs = needsOf(test, setting, history.get(test.name));
    return [{ test, setting, needs }];
  });
  return {
    loaded,
    entries,
    planned,
    history,
    outDir,
    historyPath,
    shownOutDir: options.outDir ?? USUAL_OUT_DIR,
  };
}

/** The history of each test, also where a test runs more than once. */
function titled(tests: readonly PlannedTest[], history: History): History {
  return new Map(
    tests.map((test) => [titleOf(test), history.get(test.name) ?? []]),
  );
}

function isPaths(suite: unknown): suite is readonly string[] {
  return Array.isArray(suite);
}

function checkNumbers(options: SuiteOptions): void {
  const least = {
    repeat: 1,
    retries: 0,
    maxFailures: 1,
    workers: 1,
    memory: 1,
  };
  for (const [name, from] of Object.entries(least)) {
    const value = options[name as keyof typeof least];
    if (value === undefined) continue;
    if (Number.isSafeInteger(value) && value >= from) continue;
    throw new UsageError(
      `Expected ${name} to be a whole number from ${from} up, got ${value}`,
    );
  }
}

function lastResults(outDir: string): SuiteResults {
  const results = readResults(outDir);
  if (results !== undefined) return results;
  throw new UsageError(`there are no results of a suite in ${outDir}`);
}

/** Missing files are reported before anything starts. */
function requireFiles(test: PlannedTest, { files }: TestSetting): void {
  for (const file of files) {
    try {
      Deno.statSync(file);
    } catch {
      throw new UsageError(
        `the test ${test.name} needs ${file}, which does not exist`,
      );
    }
  }
}
