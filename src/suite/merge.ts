import { relative, resolve } from "node:path";
import { UsageError } from "../errors.ts";
import {
  type AttemptResult,
  isBad,
  type SuiteResults,
  type SuiteTestResult,
  titleOf,
} from "./results.ts";

/** The results in a directory. */
export interface SuitePart {
  /** The absolute path of the directory. */
  readonly directory: string;
  /** What is in there. */
  readonly results: SuiteResults;
}

/** The result of {@linkcode mergeResults}. */
export interface MergedResults {
  /**
   * The whole; its attempts' directories are relative to the given directory.
   */
  readonly results: SuiteResults;
  /** What is missing, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Puts the results of parts of a suite together: those of its shards, or of
 * tests that ran each for itself. If a shard reported twice, for example
 * because its job ran again, the later report counts.
 *
 * @param parts The parts, in any order.
 * @param directory The absolute path of the directory of the whole.
 * @throws {UsageError} if they are of different suites, or of shards that do not
 * belong together.
 */
export function mergeResults(
  parts: readonly SuitePart[],
  directory: string,
): MergedResults {
  refuseDifferent(parts);
  const latest = latestOf(parts);
  const all = latest.map(({ results }) => results);
  const { name, format, version } = all[0];
  const missing = missingShards(all);
  const planned = [...new Set(all.flatMap((one) => one.planned))];
  const found = new Map<string, SuiteTestResult>();
  for (const part of latest) {
    for (const test of part.results.tests) {
      const moved = movedTo(test, part, directory);
      const before = found.get(titleOf(test));
      found.set(
        titleOf(test),
        before === undefined ? moved : worse(before, moved),
      );
    }
  }
  const tests = [...found.values()];
  for (const lost of planned.filter((one) => !found.has(one))) {
    tests.push({
      name: lost,
      tags: [],
      verdict: "unfinished",
      reason: missing.length === 0
        ? "no shard ran it, because their histories or their suites differ"
        : missing.length === 1
        ? `shard ${missing[0]} never reported`
        : `one of the shards ${list(missing, "and")} never reported`,
      duration: 0,
      attempts: [],
    });
  }
  const place = new Map(planned.map((one, i) => [one, i]));
  tests.sort((a, b) =>
    (place.get(titleOf(a)) ?? 0) - (place.get(titleOf(b)) ?? 0)
  );
  const date = Math.min(...all.map((one) => one.date));
  const end = Math.max(...all.map((one) => one.date + one.duration * 1000));
  const sum = (what: keyof SuiteResults["budget"]) =>
    all.reduce((total, { budget }) => total + budget[what], 0);
  return {
    results: {
      format,
      version,
      name,
      date,
      duration: (end - date) / 1000,
      planned,
      tests,
      budget: {
        memory: sum("memory"),
        workers: sum("workers"),
        peak: sum("peak"),
      },
    },
    notes: missing.map((shard) => `shard ${shard} never reported`),
  };
}

function refuseDifferent(parts: readonly SuitePart[]): void {
  const [first] = parts;
  const { name, shard } = first.results;
  for (const { directory, results } of parts) {
    if (results.name !== name) {
      throw new UsageError(
        `Expected parts of one suite, got ${name} in ${first.directory} and ${results.name} in ${directory}`,
      );
    }
    if (results.shard?.count === shard?.count) continue;
    const say = (one: SuiteResults) =>
      one.shard === undefined
        ? "no shard"
        : `shard ${one.shard.index}/${one.shard.count}`;
    throw new UsageError(
      `Expected shards that belong together, got ${
        say(first.results)
      } in ${first.directory} and ${say(results)} in ${directory}`,
    );
  }
}

/** The parts, each shard once: its last report. */
function latestOf(parts: readonly SuitePart[]): SuitePart[] {
  const latest = new Map<string, SuitePart>();
  for (const part of parts) {
    const { shard, date } = part.results;
    const key = shard === undefined ? part.directory : `${shard.index}`;
    const other = latest.get(key);
    if (other === undefined || other.results.date < date) latest.set(key, part);
  }
  return [...latest.values()].sort((a, b) =>
    (a.results.shard?.index ?? 0) - (b.results.shard?.index ?? 0)
  );
}

function missingShards(all: readonly SuiteResults[]): string[] {
  const { count } = all[0].shard ?? { count: 0 };
  const there = new Set(all.map(({ shard }) => shard?.index));
  return Array.from({ length: count }, (_, i) => i + 1)
    .filter((index) => !there.has(index))
    .map((index) => `${index}/${count}`);
}

/** Two shards that both ran a test had histories that differ: the worse counts. */
function worse(one: SuiteTestResult, other: SuiteTestResult): SuiteTestResult {
  if (one.verdict === "unfinished") return other;
  return isBad(other.verdict) && !isBad(one.verdict) ? other : one;
}

function movedTo(
  test: SuiteTestResult,
  part: SuitePart,
  directory: string,
): SuiteTestResult {
  const attempts = test.attempts.map((attempt): AttemptResult =>
    attempt.directory === undefined ? attempt : {
      ...attempt,
      directory: relative(
        directory,
        resolve(part.directory, attempt.directory),
      ),
    }
  );
  return { ...test, attempts };
}

function list(words: readonly string[], last: string): string {
  return `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}
