import type { History, HistoryEntry } from "./history.ts";
import type { Shard } from "./shard.ts";

/** How many of a test's last runs tell the time of the next one. */
const telling = 5;

/**
 * The tests that a shard runs. All shards together run each test once, and take
 * about equally long, as far as the history tells. The parts depend on the
 * names and the history alone: all hosts get the same parts, whatever their
 * locale and the order of their suite.
 *
 * @param names The names of all tests.
 * @param history What the tests took before.
 * @param shard Which part, of how many.
 * @returns The shard's part of the names, in their order.
 */
export function testsOfShard(
  names: readonly string[],
  history: History,
  { index, count }: Shard,
): string[] {
  const seconds = expectedSeconds(names, history);
  const longestFirst = [...new Set(names)].sort((a, b) =>
    seconds.get(b)! - seconds.get(a)! || (a < b ? -1 : 1)
  );
  const loads = new Array<number>(count).fill(0);
  const counts = new Array<number>(count).fill(0);
  const own = new Set<string>();
  for (const name of longestFirst) {
    let least = 0;
    for (let i = 1; i < count; i++) {
      // Tests that take no time are spread by their number.
      const order = loads[i] - loads[least] || counts[i] - counts[least];
      if (order < 0) least = i;
    }
    loads[least] += seconds.get(name)!;
    counts[least]++;
    if (least === index - 1) own.add(name);
  }
  return names.filter((name) => own.has(name));
}

/**
 * What each test will probably take.
 *
 * @param names The tests' names.
 * @param history What they took before.
 * @returns Seconds by name: the median of a test's last runs, all attempts of a
 * run included. For a new test, the median of the others.
 */
export function expectedSeconds(
  names: readonly string[],
  history: History,
): Map<string, number> {
  const seconds = new Map<string, number>();
  for (const name of names) {
    const entries = history.get(name)?.slice(-telling) ?? [];
    if (entries.length > 0) seconds.set(name, median(entries.map(taken)));
  }
  const usual = seconds.size > 0 ? median([...seconds.values()]) : 1;
  for (const name of names) {
    if (!seconds.has(name)) seconds.set(name, usual);
  }
  return seconds;
}

function taken({ duration, attempts }: HistoryEntry): number {
  return duration * attempts;
}

/** The middle one of some numbers, of two the lower one. */
export function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[(numbers.length - 1) >> 1];
}
