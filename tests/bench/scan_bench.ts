/**
 * The scanner beside what would be written without it, on the boot log of a
 * guest of the project. Run by itself: `deno run -A tests/bench/scan_bench.ts
 * [--quick] [--json FILE]`.
 *
 * @module
 */
import { Scanner } from "../../src/scan/mod.ts";
import { bootLog } from "./boot_log.ts";

const mebibyte = 1024 * 1024;

/** One way to search, measured. */
export interface ScanMeasurement {
  /** What is searched for. */
  name: string;
  /** How: the scanner, or what stands in for it. */
  way: "scanner" | "line by line" | "retained window" | "join all";
  /** Bytes handed in at once. */
  chunk: number;
  /** Bytes of log that were searched. */
  bytes: number;
  /** Median, in seconds. */
  seconds: number;
  /** Bytes a second, in thousands of millions. */
  gigabytesPerSecond: number;
}

/** What is searched for. */
const searches: { name: string; patterns: RegExp[]; explodes?: boolean }[] = [
  { name: "literal", patterns: [/Kernel panic - not syncing/] },
  {
    name: "alternation of literals",
    patterns: [
      /Out of memory: Killed|Oops: 0000|BUG: unable to handle|general protection fault|soft lockup/,
    ],
  },
  { name: "anchored line", patterns: [/^[\w-]+ login: $/m] },
  { name: ".* between literals", patterns: [/Startup finished.*kernel.*user/] },
  { name: "ignoring case", patterns: [/segmentation FAULT at/i] },
  { name: "class with repetition", patterns: [/\b[0-9a-f]{40}\b/] },
  { name: "classes only", patterns: [/[A-Z][a-z]+[0-9]{3}[A-Z]/] },
  {
    name: "20 patterns",
    patterns: [
      /Kernel panic - not syncing/,
      /You are in emergency mode/,
      /Out of memory: Killed process \d+/,
      /BUG: unable to handle page fault/,
      /general protection fault/,
      /watchdog: BUG: soft lockup/,
      /^[\w-]+ login: /m,
      /Startup finished in .* kernel/,
      /Reached target .*Multi-User System/,
      /Started .*OpenSSH server daemon/i,
      /Failed to start .*\.service/,
      /Dependency failed for/,
      /Mounted \/mnt\/[a-z]+/,
      /EXT4-fs error \(device \w+\)/,
      /I\/O error, dev \w+, sector \d+/,
      /segfault at [0-9a-f]+ ip/,
      /Listening on .*socket/,
      /reboot: (?:Power down|Restarting system)/,
      /Assertion '.*' failed at/,
      /test result: (?:passed|failed)/,
    ],
  },
  {
    name: "explodes when backtracking",
    patterns: [/(?:\w+)+@/],
    explodes: true,
  },
];

/** Measures everything; `quick` is for a look, not for a record. */
export async function scanBench(
  options: { quick?: boolean } = {},
): Promise<ScanMeasurement[]> {
  const log = await bootLog();
  const rounds = options.quick ? 1 : 5;
  const most = (options.quick ? 8 : 64) * mebibyte;
  const whole = repeated(log, most);
  const measurements: ScanMeasurement[] = [];
  for (const { name, patterns, explodes } of searches) {
    for (const chunk of [4096, 65536]) {
      const measure = (
        way: ScanMeasurement["way"],
        bytes: number,
        search: (chunks: Uint8Array[]) => number,
      ) => {
        const chunks = cut(whole.subarray(0, bytes), chunk);
        const times = Array.from({ length: rounds }, () => {
          const start = performance.now();
          search(chunks);
          return (performance.now() - start) / 1000;
        }).sort((a, b) => a - b);
        const seconds = times[rounds >> 1];
        measurements.push({
          name,
          way,
          chunk,
          bytes,
          seconds,
          gigabytesPerSecond: bytes / seconds / 1e9,
        });
      };
      // What explodes is measured on a part that it gets through.
      const some = explodes ? 16384 : most / 8;
      measure("scanner", most, (chunks) => withScanner(patterns, chunks));
      measure("line by line", some, (chunks) => byLine(patterns, chunks));
      measure(
        "retained window",
        Math.min(some, chunk * 64),
        (chunks) => inWindow(patterns, chunks),
      );
      measure(
        "join all",
        Math.min(some, chunk * 16),
        (chunks) => joiningAll(patterns, chunks),
      );
    }
  }
  return measurements;
}

/** Seconds from the first byte of 2 MiB of log, in chunks of 4 KiB, to the match at its end. */
export async function timeToTextAtEnd(): Promise<number> {
  const log = repeated(await bootLog(), 2 * mebibyte);
  const text = new TextEncoder().encode("vmwright: the last line\n");
  const chunks = cut(log, 4096);
  const times = Array.from({ length: 9 }, () => {
    const start = performance.now();
    using scanner = new Scanner({ skipCarriageReturns: true });
    scanner.add(/the last line/);
    for (const chunk of chunks) scanner.scan(chunk);
    if (scanner.scan(text).length !== 1) throw new Error("Expected a match");
    return (performance.now() - start) / 1000;
  });
  return times.sort((a, b) => a - b)[4];
}

function withScanner(patterns: RegExp[], chunks: Uint8Array[]): number {
  using scanner = new Scanner({ skipCarriageReturns: true });
  for (const pattern of patterns) scanner.add(pattern);
  let found = 0;
  for (const chunk of chunks) found += scanner.scan(chunk).length;
  return found;
}

function byLine(patterns: RegExp[], chunks: Uint8Array[]): number {
  const decoder = new TextDecoder();
  let rest = "";
  let found = 0;
  for (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(
      /\r?\n/,
    );
    rest = lines.pop()!;
    for (const line of lines) {
      for (const pattern of patterns) if (pattern.test(line)) found++;
    }
  }
  return found;
}

function inWindow(patterns: RegExp[], chunks: Uint8Array[]): number {
  const decoder = new TextDecoder();
  let window = "";
  let found = 0;
  for (const chunk of chunks) {
    window = (window + decoder.decode(chunk, { stream: true })).slice(-65536);
    for (const pattern of patterns) if (pattern.test(window)) found++;
  }
  return found;
}

function joiningAll(patterns: RegExp[], chunks: Uint8Array[]): number {
  const decoder = new TextDecoder();
  const lines: string[] = [];
  let rest = "";
  let found = 0;
  for (const chunk of chunks) {
    const more = (rest + decoder.decode(chunk, { stream: true })).split(
      /\r?\n/,
    );
    rest = more.pop()!;
    lines.push(...more);
    const all = lines.join("\n");
    for (const pattern of patterns) if (pattern.test(all)) found++;
  }
  return found;
}

function repeated(log: Uint8Array, length: number): Uint8Array {
  const whole = new Uint8Array(length);
  for (let at = 0; at < length; at += log.length) {
    whole.set(log.subarray(0, Math.min(log.length, length - at)), at);
  }
  return whole;
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    chunks.push(bytes.subarray(at, at + size));
  }
  return chunks;
}

/** The measurements as a table for people. */
export function scanTable(measurements: ScanMeasurement[]): string {
  const ways = ["scanner", "line by line", "retained window", "join all"];
  const rows = [["", "chunk", ...ways, "scanner : line by line"]];
  for (const first of measurements.filter(({ way }) => way === "scanner")) {
    const speeds = ways.map((way) =>
      measurements.find((other) =>
        other.name === first.name && other.chunk === first.chunk &&
        other.way === way
      )!.gigabytesPerSecond
    );
    rows.push([
      first.name,
      `${first.chunk / 1024} KiB`,
      ...speeds.map((speed) => `${speed.toPrecision(3)} GB/s`),
      (speeds[0] / speeds[1]).toFixed(1),
    ]);
  }
  const widths = rows[0].map((_, column) =>
    Math.max(...rows.map((row) => row[column].length))
  );
  return rows.map((row) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])
    ).join("  ")
  ).join("\n");
}

if (import.meta.main) {
  const measurements = await scanBench({
    quick: Deno.args.includes("--quick"),
  });
  console.log(scanTable(measurements));
  const seconds = await timeToTextAtEnd();
  console.log(
    `text at the end of 2 MiB: ${(seconds * 1000).toFixed(2)} ms`,
  );
  const json = Deno.args.indexOf("--json") + 1;
  if (json > 0) {
    await Deno.writeTextFile(
      Deno.args[json],
      JSON.stringify({ measurements, textAtEnd: seconds }, null, 2) + "\n",
    );
  }
}
