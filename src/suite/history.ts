import { UsageError } from "../errors.ts";
import { writeAllSync } from "../stream/mod.ts";
import type { SuiteTestResult, TestVerdict } from "./results.ts";

/**
 * The result of one run of a test: a line of JSON in the file of the history.
 */
export interface HistoryEntry {
  /** The test's name, as {@linkcode SuiteTestResult} has it. */
  readonly test: string;
  /** When its first attempt began, in milliseconds since 1970. */
  readonly date: number;
  /** How it ended; never `skipped` or `unfinished`. */
  readonly verdict: TestVerdict;
  /** Seconds of its longest attempt. */
  readonly duration: number;
  /** How many attempts it took. */
  readonly attempts: number;
  /** Bytes of memory that its processes had at most, if that was seen. */
  readonly memory?: number;
}

/** The entries of each test, the oldest first. */
export type History = ReadonlyMap<string, readonly HistoryEntry[]>;

/**
 * What the history keeps of a result.
 *
 * @param result The result.
 * @returns The entry; nothing for a test that has not run to an end.
 */
export function entryOf(
  { name, verdict, attempts }: SuiteTestResult,
): HistoryEntry | undefined {
  if (verdict === "skipped" || verdict === "unfinished") return undefined;
  // A test that could not begin says nothing about the next time.
  if (attempts.length === 0) return undefined;
  const peaks = attempts.flatMap(({ memory }) => memory ?? []);
  return {
    test: name,
    date: attempts[0].date,
    verdict,
    duration: Math.max(...attempts.map(({ duration }) => duration)),
    attempts: attempts.length,
    ...peaks.length > 0 && { memory: Math.max(...peaks) },
  };
}

/**
 * Reads a file of the history. It skips an incomplete line, whose writer was
 * killed.
 *
 * @param path The file.
 * @returns The entries; none if there is no file.
 * @throws {UsageError} if the file can't be read.
 */
export function readHistory(path: string): History {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Map();
    throw new UsageError(
      `Expected the history of a suite in ${path}: ${(error as Error).message}`,
    );
  }
  return historyOf(
    text.split("\n").flatMap((line) => {
      try {
        const entry = JSON.parse(line) as HistoryEntry;
        const isEntry = typeof entry?.test === "string" &&
          typeof entry.date === "number" &&
          typeof entry.duration === "number" &&
          typeof entry.verdict === "string";
        return isEntry ? entry : [];
      } catch {
        return [];
      }
    }),
  );
}

/** Sorts entries by their tests and dates, each once. */
export function historyOf(entries: readonly HistoryEntry[]): History {
  const history = new Map<string, HistoryEntry[]>();
  const seen = new Set<string>();
  for (const entry of [...entries].sort((a, b) => a.date - b.date)) {
    const key = JSON.stringify(entry);
    if (seen.has(key)) continue;
    seen.add(key);
    const own = history.get(entry.test);
    if (own === undefined) history.set(entry.test, [entry]);
    else own.push(entry);
  }
  return history;
}

/** Adds entries to a file of the history, at once, as others may add theirs. */
export function addToHistory(
  path: string,
  entries: readonly HistoryEntry[],
): void {
  if (entries.length === 0) return;
  const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
  using file = Deno.openSync(path, { append: true, create: true, read: true });
  // A line that a killed writer has begun must not swallow the next one.
  const { size } = file.statSync();
  let isWhole = true;
  if (size > 0) {
    const last = new Uint8Array(1);
    file.seekSync(-1, Deno.SeekMode.End);
    file.readSync(last);
    isWhole = last[0] === 10;
  }
  writeAllSync(file, new TextEncoder().encode(isWhole ? text : `\n${text}`));
}
