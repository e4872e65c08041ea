import { resolve } from "node:path";
import { UsageError } from "../errors.ts";
import { RewrittenFile } from "../report/rewritten_file.ts";
import { addToHistory, entryOf, historyOf, readHistory } from "./history.ts";
import { attemptFiles } from "./attempt_files.ts";
import { runEndedIn } from "./last_event.ts";
import { mergeResults, type SuitePart } from "./merge.ts";
import type { Outcome } from "./outcome.ts";
import { bounded } from "./reason.ts";
import { trimmed } from "./trimmed.ts";
import { writeReports } from "./write_results.ts";
import { readResults, RESULTS_FILE, type SuiteResults } from "./results.ts";

/** What {@linkcode reportParts} reads and writes beside the parts. */
export interface ReportPartsOptions {
  /** The absolute path of the directory for the results of the whole. */
  readonly directory: string;
  /** Path of the page. Default: `report.html` in the directory. */
  readonly html?: string;
  /** Path of the JUnit report. Default: `junit.xml` in the directory. */
  readonly junit?: string;
  /** The file of the history. Default: `history` in the directory. */
  readonly history?: string;
  /** Whether a flaky test is a failure. Default: no. */
  readonly failOnFlaky?: boolean;
}

/** The outcome of all parts together. */
export interface PartsReport {
  /** The whole. */
  readonly results: SuiteResults;
  /** Its verdict. */
  readonly outcome: Outcome;
  /** What is missing, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Puts the results of the shards of a suite together, or of tests that ran each
 * for itself: into one file of results, one page and one JUnit report, and what
 * is new into the history.
 *
 * @param directories The directories of the parts' results.
 * @param options Where to.
 * @throws {UsageError} if there are no results, or they do not belong together.
 */
export async function reportParts(
  directories: readonly string[],
  { directory, ...options }: ReportPartsOptions,
): Promise<PartsReport> {
  const lost: string[] = [];
  const parts = directories.flatMap((path): SuitePart[] => {
    const own = resolve(path);
    if (own === resolve(directory)) {
      throw new UsageError(
        `Expected another output directory than that of a part, got ${path}`,
      );
    }
    const results = readResults(own);
    if (results !== undefined) return [{ directory: own, results }];
    lost.push(`there are no results in ${path}`);
    return [];
  });
  if (parts.length === 0) {
    throw new UsageError(
      `Expected the results of a suite, of which no directory has any: ${
        directories.join(", ")
      }`,
    );
  }
  const merged = mergeResults(parts, resolve(directory));
  const results = explained(merged.results, resolve(directory));
  const notes = [...merged.notes, ...lost];
  Deno.mkdirSync(directory, { recursive: true });
  new RewrittenFile(`${directory}/${RESULTS_FILE}`, (path) => {
    Deno.writeTextFileSync(path, `${JSON.stringify(results, undefined, 1)}\n`);
  }, { once: true });

  const file = options.history ?? `${directory}/history`;
  const kept = [...readHistory(file).values()].flat();
  const known = new Set(kept.map((entry) => JSON.stringify(entry)));
  const all = historyOf([
    ...kept,
    ...parts.flatMap((part) =>
      [...readHistory(`${part.directory}/history`).values()].flat()
    ),
    ...results.tests.flatMap((test) => entryOf(test) ?? []),
  ]);
  if ([...all.values()].some((entries) => trimmed(entries) !== entries)) {
    const lines = [...all.values()].flatMap(trimmed)
      .map((entry) => `${JSON.stringify(entry)}\n`);
    new RewrittenFile(file, (path) => {
      Deno.writeTextFileSync(path, lines.join(""));
    }, { once: true });
  } else {
    const fresh = [...all.values()].flat().filter((entry) =>
      !known.has(JSON.stringify(entry))
    );
    addToHistory(file, fresh);
  }
  const outcome = await writeReports(results, directory, {
    ...options,
    history: all,
    notes,
  });
  return { results, outcome, notes };
}

/**
 * The reason why a test failed may be in the events alone, and not in the
 * results of a part.
 */
function explained(results: SuiteResults, directory: string): SuiteResults {
  const tests = results.tests.map((test) => ({
    ...test,
    attempts: test.attempts.map((attempt) => {
      if (attempt.verdict === "passed" || attempt.reason !== undefined) {
        return attempt;
      }
      const own = resolve(directory, attempt.directory ?? ".");
      const end = runEndedIn(`${own}/${attemptFiles.events}`);
      const reason = end?.detail ?? end?.error?.message ??
        (attempt.verdict === "crashed"
          ? `its process ended with status ${attempt.exitCode}, without a verdict`
          : undefined);
      return reason === undefined
        ? attempt
        : { ...attempt, reason: bounded(reason) };
    }),
  }));
  return { ...results, tests };
}
