import { Scanner } from "../../../src/scan/mod.ts";
import { bootLog } from "../boot_log.ts";
import type { Part } from "../part.ts";
import { median } from "../result.ts";

const mebibyte = 1024 * 1024;

/** The patterns. */
interface Search {
  readonly name: string;
  readonly patterns: readonly RegExp[];
  /** The speed that is wanted, in GB/s; default: 0.5. */
  readonly gigabytes?: number;
  /** Whether backtracking gets through small texts only. */
  readonly explodes?: boolean;
}

const searches: Search[] = [
  {
    name: "a literal",
    patterns: [/Kernel panic - not syncing/],
    gigabytes: 2,
  },
  {
    name: "an alternation of literals",
    gigabytes: 2,
    patterns: [
      /Out of memory: Killed|Oops: 0000|BUG: unable to handle|general protection fault|soft lockup/,
    ],
  },
  {
    name: "an anchored line",
    patterns: [/^[\w-]+ login: $/m],
    gigabytes: 2,
  },
  {
    name: ".* between literals",
    patterns: [/Startup finished.*kernel.*user/],
    gigabytes: 2,
  },
  {
    name: "a text in any case",
    patterns: [/segmentation FAULT at/i],
    gigabytes: 2,
  },
  { name: "a class with repetition", patterns: [/\b[0-9a-f]{40}\b/] },
  { name: "nothing but classes", patterns: [/[A-Z][a-z]+[0-9]{3}[A-Z]/] },
  {
    name: "20 patterns at once",
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
    name: "what makes a backtracker explode",
    patterns: [/(?:\w+)+@/],
    explodes: true,
  },
];

/** The scanner beside what would be written without it, on boot logs. */
export const scan: Part = {
  name: "scan",
  async run({ rounds, scanMegabytes }, tell) {
    const whole = repeated(await bootLog(), scanMegabytes * mebibyte);
    for (const search of searches) {
      for (const chunk of [4096, 65536]) {
        // What takes long is measured on a part that it gets through.
        const some = search.explodes ? 16384 : whole.length / 8;
        const few = Math.min(some, chunk * 16);
        const ways = [
          { way: withScanner, chunks: cut(whole, chunk) },
          { way: byLine, chunks: cut(whole.subarray(0, some), chunk) },
          { way: inWindow, chunks: cut(whole.subarray(0, 4 * few), chunk) },
          { way: joiningAll, chunks: cut(whole.subarray(0, few), chunk) },
        ];
        const speeds: number[][] = ways.map(() => []);
        for (let round = 0; round < rounds; round++) {
          ways.forEach(({ way, chunks }, at) => {
            speeds[at].push(speed(() => way(search.patterns, chunks), chunks));
          });
        }
        const [ours, other, window, joined] = speeds;
        const beside = (samples: number[]) => median(samples).toPrecision(2);
        tell({
          name: `scan ${search.name}, chunks of ${chunk / 1024} KiB`,
          unit: "GB/s",
          ours,
          other,
          against: "TextDecoder and RegExp line by line",
          aim: { faster: 2, atLeast: search.gigabytes ?? 0.5 },
          note: `RegExp in a retained window ${beside(window)} GB/s, ` +
            `joining all lines so far ${beside(joined)} GB/s`,
        });
      }
    }
    const costs = (patterns: readonly RegExp[], bytes: Uint8Array) => {
      const chunks = cut(bytes, 65536);
      return sampled(rounds, () => withScanner(patterns, chunks))
        .map((seconds) => seconds * 1000 / (bytes.length / mebibyte));
    };
    const twenty = searches.find(({ patterns }) => patterns.length === 20)!;
    const singles = twenty.patterns.map((pattern) => costs([pattern], whole));
    tell({
      name: "scan 20 patterns in one pass",
      unit: "ms/MiB",
      ours: costs(twenty.patterns, whole),
      other: singles.sort((a, b) => median(a) - median(b))[10],
      against: "one of them alone, the middle one",
      aim: { share: 2 },
    });
    tell({
      name: `scan ${scanMegabytes} MiB, each MiB of them`,
      unit: "ms/MiB",
      ours: costs(twenty.patterns, whole),
      other: costs(twenty.patterns, whole.subarray(0, whole.length / 8)),
      against: "an eighth of the log",
      aim: { share: 1.2 },
    });
    tell({
      name: "scan text at the end of 2 MiB",
      unit: "ms",
      ours: sampled(rounds, textAtEnd(whole.subarray(0, 2 * mebibyte)))
        .map((seconds) => seconds * 1000),
      aim: { atMost: 5 },
      note: "chunks of 4 KiB, from the first byte to the match",
    });
  },
};

/** Seconds that `fn` takes, several times. */
function sampled(rounds: number, fn: () => unknown): number[] {
  return Array.from({ length: rounds }, () => {
    const began = performance.now();
    fn();
    return (performance.now() - began) / 1000;
  });
}

/** Thousands of millions of bytes a second. */
function speed(fn: () => unknown, chunks: Uint8Array[]): number {
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  return bytes / sampled(1, fn)[0] / 1e9;
}

function textAtEnd(log: Uint8Array): () => void {
  const chunks = cut(log, 4096);
  const text = new TextEncoder().encode("vmwright: the last line\n");
  return () => {
    if (withScanner([/the last line/], [...chunks, text]) !== 1) {
      throw new Error("expected the text to be found once");
    }
  };
}

function withScanner(
  patterns: readonly RegExp[],
  chunks: Uint8Array[],
): number {
  using scanner = new Scanner({ skipCarriageReturns: true });
  for (const pattern of patterns) scanner.add(pattern);
  let found = 0;
  for (const chunk of chunks) found += scanner.scan(chunk).length;
  return found;
}

function byLine(patterns: readonly RegExp[], chunks: Uint8Array[]): number {
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

function inWindow(patterns: readonly RegExp[], chunks: Uint8Array[]): number {
  const decoder = new TextDecoder();
  let window = "";
  let found = 0;
  for (const chunk of chunks) {
    window = (window + decoder.decode(chunk, { stream: true })).slice(-65536);
    for (const pattern of patterns) if (pattern.test(window)) found++;
  }
  return found;
}

function joiningAll(patterns: readonly RegExp[], chunks: Uint8Array[]): number {
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
