import type { HistoryEntry } from "./history.ts";
import { isBad } from "./results.ts";
import { median } from "./split.ts";

/** Runs that a trend is about at most: the last ones. */
const most = 30;

/** What the history tells of a test. */
export interface Trend {
  /** The last runs, the oldest first. */
  readonly recent: readonly HistoryEntry[];
  /** How many of them were flaky: an attempt passed after others that did not. */
  readonly flaky: number;
  /** How many of them were red. */
  readonly red: number;
  /** Seconds that an attempt takes, in the middle of those that passed. */
  readonly duration?: number;
  /** If the last run was red: since when all were. */
  readonly redSince?: RedSince;
}

/** Since when a test is red. */
export interface RedSince {
  /** When the first red run began, in milliseconds since 1970. */
  readonly date: number;
  /** How many runs have been red since. */
  readonly runs: number;
  /** Whether a run before passed: else the test has never been green. */
  readonly wasGreen: boolean;
}

/**
 * Looks at the history of a test.
 *
 * @param entries All runs of the test, the oldest first.
 * @returns What they tell; nothing if there are none.
 */
export function trendOf(entries: readonly HistoryEntry[]): Trend | undefined {
  if (entries.length === 0) return undefined;
  const recent = entries.slice(-most);
  const good = recent.filter(({ verdict }) => !isBad(verdict));
  const green = entries.findLastIndex(({ verdict }) => !isBad(verdict));
  const red = entries.slice(green + 1);
  return {
    recent,
    flaky: recent.filter(({ verdict }) => verdict === "flaky").length,
    red: recent.length - good.length,
    ...good.length > 0 && {
      duration: median(good.map(({ duration }) => duration)),
    },
    ...red.length > 0 && {
      redSince: { date: red[0].date, runs: red.length, wasGreen: green >= 0 },
    },
  };
}

/** A trend in one sentence, for a person. */
export function describeTrend(
  { recent, flaky, red, duration, redSince }: Trend,
): string {
  const runs = `${recent.length} ${recent.length === 1 ? "run" : "runs"}`;
  const parts = [
    `of the last ${runs}, ${recent.length - red - flaky} passed`,
    ...flaky > 0 ? [`${flaky} flaky`] : [],
    ...red > 0 ? [`${red} red`] : [],
    ...duration === undefined ? [] : [`usually ${duration.toFixed(1)} s`],
  ];
  if (redSince !== undefined) {
    const when = new Date(redSince.date).toISOString().slice(0, 16)
      .replace("T", " ");
    parts.push(
      redSince.wasGreen ? `red since ${when} UTC` : "never seen green",
    );
  }
  return parts.join(", ");
}
