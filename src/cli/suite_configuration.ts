import { UsageError } from "../errors.ts";
import { parseShard, type Shard } from "../suite/shard.ts";
import { parseSize } from "../suite/size.ts";
import type { OptionValues } from "./arguments.ts";
import { type Option, type OptionKey, options } from "./options.ts";

/** The options of `vmwright test`. */
export interface SuiteConfiguration {
  /** The suite's file, or configuration files; none: the usual ones. */
  readonly suite: readonly string[];
  /** Names of tests, or globs. */
  readonly names: readonly string[];
  /** Tags: a test needs any one of them. */
  readonly tags: readonly string[];
  /** Whether the tests are only listed. */
  readonly list: boolean;
  /** Whether to run only what did not pass the last time. */
  readonly lastFailed: boolean;
  /** How often each test runs. */
  readonly repeat?: number;
  /** How many times a test that does not pass is tried again. */
  readonly retries?: number;
  /** Whether a flaky test fails the suite. */
  readonly failOnFlaky: boolean;
  /** After how many failed tests no other begins. */
  readonly maxFailures?: number;
  /** Tests at a time. */
  readonly workers?: number;
  /** Bytes of memory at a time. */
  readonly memory?: number;
  /** The part to run. */
  readonly shard?: Shard;
  /** The directory for results. */
  readonly outDir?: string;
  /** The file of the history. */
  readonly history?: string;
  /** Whether to run again what a change touches. */
  readonly watch: boolean;
}

/** Options that `vmwright test` has in common with a single run. */
const shared: readonly OptionKey[] = ["outputDir", "watch", "help", "version"];

/**
 * Checks that no option of another subcommand is given.
 *
 * @throws {UsageError} if one is.
 */
export function refuseOthers(given: OptionValues, command: string): void {
  for (const key of Object.keys(given) as OptionKey[]) {
    const option: Option = options[key];
    const [name] = option.names;
    if (command === "test") {
      if (option.only !== undefined || shared.includes(key)) continue;
      throw new UsageError(
        `${name} is an option of a single test; a suite has it in "options" of a test or of the defaults`,
      );
    }
    const { only } = option;
    if (only === undefined || command === "help") continue;
    if (only.includes(command)) continue;
    throw new UsageError(
      `${name} is an option of vmwright ${only.join(" and vmwright ")}`,
    );
  }
}

/** What the words and options of `vmwright test` mean. */
export function suiteOf(
  given: OptionValues,
  [, ...words]: readonly string[],
): SuiteConfiguration {
  const suite = words.filter(isNamedAsSuite);
  const names = words.filter((word) => !isNamedAsSuite(word));
  return {
    suite,
    names,
    tags: given.tag ?? [],
    list: given.list ?? false,
    lastFailed: given.lastFailed ?? false,
    repeat: numberOf(given, "repeat", 1),
    retries: numberOf(given, "retries", 0),
    failOnFlaky: given.failOnFlaky ?? false,
    maxFailures: numberOf(given, "maxFailures", 1),
    workers: numberOf(given, "workers", 1),
    memory: memoryOf(given),
    shard: given.shard === undefined ? undefined : parseShard(given.shard),
    outDir: given.outputDir,
    history: given.history,
    watch: given.watch ?? false,
  };
}

/** Whether a word is a file, and no name of a test. */
function isNamedAsSuite(word: string): boolean {
  return /\.(json|[cm]?[jt]s)$/.test(word);
}

function numberOf(
  given: OptionValues,
  key: "repeat" | "retries" | "maxFailures" | "workers",
  least: number,
): number | undefined {
  const word = given[key];
  if (word === undefined) return undefined;
  const number = Number(word);
  if (/^\d+$/.test(word) && Number.isSafeInteger(number) && number >= least) {
    return number;
  }
  throw new UsageError(
    `${options[key].names[0]} expects a whole number from ${least} up, got ${
      JSON.stringify(word)
    }`,
  );
}

function memoryOf({ memory }: OptionValues): number | undefined {
  if (memory === undefined) return undefined;
  const bytes = parseSize(memory);
  if (bytes !== undefined) return bytes;
  throw new UsageError(
    `--memory expects an amount such as 8G or 512M, got ${
      JSON.stringify(memory)
    }`,
  );
}
