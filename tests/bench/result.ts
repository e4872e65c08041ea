/** One case, measured. */
export interface Result {
  /** The measured quantity. */
  name: string;
  /** Of the samples. */
  unit: "ms" | "MiB" | "µs" | "ms/MiB" | "ms/s" | "GB/s" | "MB/s" | "%";
  /** Samples of vmwright, one a round. */
  ours: number[];
  /** Samples of what it is compared with, from the same rounds. */
  other?: number[];
  /** What it is compared with; the model of the classic driver by default. */
  against?: string;
  /** The aim. */
  aim?: Aim;
  /** What a reader of the numbers should know. */
  note?: string;
}

/** Wanted of the medians, all of it. */
export interface Aim {
  /** The other takes this many times as long, or longer. */
  faster?: number;
  /** At most this, in the result's unit. */
  atMost?: number;
  /** At least this, in the result's unit. */
  atLeast?: number;
  /** At most this many times what the other takes. */
  share?: number;
}

/** The sample in the middle. */
export function median(samples: number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]
    : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** How many times as fast, or as small, ours is by the medians. */
export function ratio({ unit, ours, other }: Result): number | undefined {
  if (other === undefined) return undefined;
  return unit.endsWith("B/s")
    ? median(ours) / median(other)
    : median(other) / median(ours);
}

/** Whether the aim is met; `undefined` if there is none. */
export function isMet(result: Result): boolean | undefined {
  const { aim, ours } = result;
  if (aim === undefined) return undefined;
  const { faster = 0, atMost = Infinity, atLeast = 0, share = Infinity } = aim;
  const times = ratio(result) ?? 1;
  const size = median(ours);
  return size <= atMost && size >= atLeast && times >= faster &&
    1 / times <= share;
}

function aimText(aim: Aim | undefined): string {
  const { faster, atMost, atLeast, share } = aim ?? {};
  return [
    atMost && `≤ ${atMost}`,
    atLeast && `≥ ${atLeast}`,
    faster && `${faster}×`,
    share && `≤ ${share} of it`,
  ].filter(Boolean).join(", ");
}

/** A number with three digits that matter. */
function short(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function withSpread(samples: number[] | undefined): string {
  if (samples === undefined) return "";
  const [low, high] = [Math.min(...samples), Math.max(...samples)];
  return `${short(median(samples))} (${short(low)}…${short(high)})`;
}

/** The results as a table for people: medians, smallest and largest sample. */
export function table(results: Result[]): string {
  const rows = [["", "", "vmwright", "other", "ratio", "aim", ""]];
  for (const result of results) {
    const times = ratio(result);
    const met = isMet(result);
    rows.push([
      result.name,
      result.unit,
      withSpread(result.ours),
      withSpread(result.other),
      times === undefined ? "" : `${short(times)}×`,
      aimText(result.aim),
      met === undefined ? "" : met ? "met" : "missed",
    ]);
  }
  const widths = rows[0].map((_, column) =>
    Math.max(...rows.map((row) => row[column].length))
  );
  const lines = rows.map((row) =>
    row.map((cell, column) =>
      column < 2 || column > 4
        ? cell.padEnd(widths[column])
        : cell.padStart(widths[column])
    ).join("  ").trimEnd()
  );
  const notes = results.flatMap(({ name, against, note }) => {
    const said = [against && `against ${against}`, note].filter(Boolean);
    return said.length === 0 ? [] : [`${name}: ${said.join("; ")}`];
  });
  return [...lines, "", ...notes].join("\n");
}

/** The results for programs. */
export function record(results: Result[]): unknown {
  return results.map((result) => ({
    ...result,
    against: result.other && (result.against ?? "the classic model"),
    median: median(result.ours),
    otherMedian: result.other && median(result.other),
    ratio: ratio(result),
    met: isMet(result),
  }));
}
