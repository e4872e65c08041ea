import process from "node:process";
import { UsageError } from "../errors.ts";
import { isObject } from "./fields.ts";
import type { Shard } from "./shard.ts";

// What `DIR` holds, the directory of a suite's results:
//
//   suite.json                        SuiteResults, written anew after each test
//   junit.xml, report.html            of the whole suite
//   history                           HistoryEntry a line, unless --history
//                                     names another file
//   tests/<directory>/<attempt>/      what an attempt left: events.jsonl,
//                                     junit.xml, report.html, output.txt, consoles
//
// `<directory>` is directoryOfTest(), and `<attempt>` counts from 1.

/** The name of the file that holds {@linkcode SuiteResults}. */
export const RESULTS_FILE = "suite.json";

/** What the file is of, and of which version. */
export const resultsHeader = { format: "vmwright-suite", version: 1 } as const;

/**
 * How an attempt at a test ended.
 *
 * - `passed`, `failed`: as the test itself says;
 * - `timeout`: it did not end in time;
 * - `crashed`: its process ended without a verdict, by a signal for example;
 * - `unfinished`: it still runs, or the suite was interrupted.
 */
export type AttemptVerdict =
  | "passed"
  | "failed"
  | "timeout"
  | "crashed"
  | "unfinished";

/**
 * How a test ended: as its last attempt, or
 *
 * - `flaky`: an attempt passed after others that did not;
 * - `skipped`: the suite says that it is not to run;
 * - `unfinished`: it has not run, or not to the end.
 */
export type TestVerdict = AttemptVerdict | "flaky" | "skipped";

/** One attempt at a test. */
export interface AttemptResult {
  /** How it ended. */
  readonly verdict: AttemptVerdict;
  /**
   * Its directory, relative to that of the results; nothing if it could not even
   * begin.
   */
  readonly directory?: string;
  /** When it began, in milliseconds since 1970. */
  readonly date: number;
  /** Seconds. */
  readonly duration: number;
  /** Bytes of memory that its processes had at most, as far as was seen. */
  readonly memory?: number;
  /** The exit status of its process. */
  readonly exitCode?: number;
  /** The signal that ended its process. */
  readonly signal?: string;
  /** Why it did not pass, in a few lines. */
  readonly reason?: string;
}

/** A test of the suite and its result. */
export interface SuiteTestResult {
  /** Its name in the suite, with the values of its matrix. */
  readonly name: string;
  /** Counts from 1 where `--repeat` has the test run more than once. */
  readonly repetition?: number;
  /** Its tags. */
  readonly tags: readonly string[];
  /** How it ended. */
  readonly verdict: TestVerdict;
  /** Why it was skipped, or could not begin. */
  readonly reason?: string;
  /** Seconds, those of all attempts. */
  readonly duration: number;
  /** The attempts in their order. */
  readonly attempts: readonly AttemptResult[];
}

/** The results of a suite, or of one shard of it. */
export interface SuiteResults {
  /** What this is. */
  readonly format: typeof resultsHeader.format;
  /** Its version. A new field leaves it as it is. */
  readonly version: typeof resultsHeader.version;
  /** The suite's name. */
  readonly name: string;
  /** When it began, in milliseconds since 1970. */
  readonly date: number;
  /** Seconds since it began, also while it runs. */
  readonly duration: number;
  /** The host's name, if known. */
  readonly host?: string;
  /** The part of the suite that this is of; the whole, if nothing is given. */
  readonly shard?: Shard;
  /** What {@linkcode titleOf} calls all tests that were selected, in all shards. */
  readonly planned: readonly string[];
  /** The tests of this shard, in the order of the suite. */
  readonly tests: readonly SuiteTestResult[];
  /** What the tests had together. */
  readonly budget: {
    /** Bytes of memory at a time. */
    readonly memory: number;
    /** Tests at a time. */
    readonly workers: number;
    /** Bytes of memory that all tests had at most at a time, as far as was seen. */
    readonly peak: number;
  };
}

/** The title of a result; a test that runs more than once has several. */
export function titleOf(
  { name, repetition }: Pick<SuiteTestResult, "name" | "repetition">,
): string {
  return repetition === undefined ? name : `${name} #${repetition}`;
}

/** Bytes of a directory's name that are of the test's own name, at most. */
const LONGEST_DIRECTORY = 200;

/** A test's directory below `tests/`, which no other test has. */
export function directoryOfTest(
  { name, repetition }: Pick<SuiteTestResult, "name" | "repetition">,
): string {
  // `%` is among them, so that no two names become the same, and what stores of
  // artifacts refuse in names of files.
  const own = name.replace(
    /[%#/\\:"<>|*?\p{Cc}]|^\.+$/gu,
    (found) =>
      [...found].map((one) =>
        `%${one.charCodeAt(0).toString(16).padStart(2, "0")}`
      ).join(""),
  );
  return titleOf({ name: shortName(own), repetition });
}

/** A part of file names. Of a name that is too long, a digest replaces the end. */
function shortName(name: string): string {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length <= LONGEST_DIRECTORY) return name;
  const { createHash } = process.getBuiltinModule("node:crypto");
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 16);
  const begin = new TextDecoder().decode(
    bytes.subarray(0, LONGEST_DIRECTORY - digest.length - 1),
  );
  // A character may have been cut.
  return `${begin.replace(/\ufffd+$/, "")}~${digest}`;
}

/** Whether a person has to look at a test with this verdict. */
export function isBad(verdict: TestVerdict): boolean {
  return verdict === "failed" || verdict === "timeout" || verdict === "crashed";
}

/**
 * Reads the results in a directory.
 *
 * @param directory The directory of a suite's results.
 * @returns The results; nothing if there are none.
 * @throws {UsageError} if the file there is something else, or of a later
 * version.
 */
export function readResults(directory: string): SuiteResults | undefined {
  const path = `${directory}/${RESULTS_FILE}`;
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new UsageError(
      `Expected the results of a suite in ${path}: ${(error as Error).message}`,
    );
  }
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    // The file holds something else.
  }
  const { format, version } = resultsHeader;
  if (
    !isObject(found) || found.format !== format || found.version !== version
  ) {
    throw new UsageError(
      `Expected ${path} to have the format ${format} of version ${version}, got ${
        JSON.stringify(text.slice(0, 40))
      }`,
    );
  }
  if (isResults(found)) return found;
  throw new UsageError(
    `Expected whole results of a suite in ${path}, got some that lack a part`,
  );
}

/** Whether results have all that others read of them. */
function isResults(found: object): found is SuiteResults {
  const { name, date, duration, planned, tests, budget, shard } =
    found as Partial<Record<keyof SuiteResults, unknown>>;
  return typeof name === "string" && isTime(date) && isTime(duration) &&
    isTexts(planned) && isObject(budget) &&
    [budget.memory, budget.workers, budget.peak].every(isNumber) &&
    (shard === undefined ||
      isObject(shard) && [shard.index, shard.count].every(isCount)) &&
    Array.isArray(tests) && tests.every(isTestResult);
}

function isTestResult(found: unknown): found is SuiteTestResult {
  if (!isObject(found)) return false;
  const { name, repetition, tags, verdict, duration, attempts } = found;
  return typeof name === "string" && isTexts(tags) &&
    (repetition === undefined || isCount(repetition)) &&
    typeof verdict === "string" && isTime(duration) &&
    Array.isArray(attempts) &&
    attempts.every((attempt) =>
      isObject(attempt) && typeof attempt.verdict === "string" &&
      isTime(attempt.date) && isTime(attempt.duration) &&
      [attempt.directory, attempt.reason].every(isMaybeText)
    ) && isMaybeText(found.reason);
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

/** Whether it is a time that a date can hold, in milliseconds or in seconds. */
function isTime(value: unknown): boolean {
  return isNumber(value) && value >= 0 && value <= 8.64e15;
}

function isCount(value: unknown): boolean {
  return isNumber(value) && Number.isInteger(value) && value > 0 && value < 1e6;
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function isMaybeText(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}
