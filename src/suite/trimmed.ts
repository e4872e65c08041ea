import type { HistoryEntry } from "./history.ts";
import { isBad } from "./results.ts";

/** Runs of a test that a history keeps at least. */
const kept = 100;

/**
 * What a history keeps of a test that has run very often: its last runs, and since
 * when it is red, if it is.
 *
 * @param entries All runs of a test, the oldest first.
 * @returns The entries themselves, unless there are twice as many as are kept.
 */
export function trimmed(
  entries: readonly HistoryEntry[],
): readonly HistoryEntry[] {
  if (entries.length <= 2 * kept) return entries;
  const recent = entries.slice(-kept);
  if (recent.some(({ verdict }) => !isBad(verdict))) return recent;
  const green = entries.findLastIndex(({ verdict }) => !isBad(verdict));
  // The last run that passed, and the first that did not.
  return [...entries.slice(Math.max(0, green), green + 2), ...recent];
}
