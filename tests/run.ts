// Runs the tests, those without a guest first:
//   deno run -A tests/run.ts [--unit] [--yes] [PATH…]
// A PATH is any part of a test file's path. Prints the sum of all at the end, and
// which files took longest.

import { parseArgs } from "@std/cli/parse-args";
import { toText } from "@std/streams";
import { fetchBundler } from "./bundler.ts";
import { cacheHome } from "./guests/cache.ts";
import { ensureTools, guestTools, testTools } from "./guests/tools.ts";
import { junitCases } from "./junit_cases.ts";

/** Some of the tests, which need the same things. */
interface Kind {
  readonly name: string;
  /** Which test files belong to it, of those that no earlier kind took. */
  readonly files: RegExp;
  /** The guests that must have been built. */
  readonly guests: readonly string[];
  /** How many files run at the same time at most. */
  readonly jobs: number;
}

const cores = navigator.hardwareConcurrency;
const kinds: readonly Kind[] = [
  {
    name: "tests on the guest tiny",
    files: /_vm_test\.ts$/,
    guests: ["tiny", "tiny-redis", "tiny-busybox", "tiny-bare", "micro"],
    jobs: 2,
  },
  {
    name: "tests on the guest debian",
    files: /_debian_test\.ts$/,
    guests: ["debian"],
    jobs: 2,
  },
  {
    name: "tests of the Nix files",
    files: /^tests\/nix\/.*_test\.ts$/,
    guests: ["tiny"],
    jobs: 1,
  },
  // Some of them do nothing but wait for a while.
  { name: "unit tests", files: /_test\.ts$/, guests: [], jobs: cores + 1 },
];
/** Which kinds run side by side, one group after the other. */
const groups = [
  { kinds: [kinds[3]], jobs: cores + 1 },
  { kinds: [kinds[0], kinds[1], kinds[2]], jobs: Math.max(2, cores) },
];

interface Count {
  passed: number;
  failed: number;
  ignored: number;
}

/** What failed, to be told once more at the end. */
const failures: string[] = [];
/** How many of the files that took longest are told. */
const SLOWEST = 10;
/** How many seconds each file took when it last ran. */
const secondsFile = `${cacheHome()}/test-seconds.json`;
const lastSeconds = readSeconds();
const seconds: Record<string, number> = {};

const root = new URL("..", import.meta.url).pathname;
const { unit, yes, _: parts } = parseArgs(Deno.args, {
  boolean: ["unit", "yes"],
  unknown: (argument, name) => {
    if (name === undefined) return;
    console.error(`expected --unit, --yes or parts of paths, got ${argument}`);
    Deno.exit(2);
  },
});
const wanted = parts.map(String);
Deno.chdir(root);

const claimed = new Map<Kind, string[]>(kinds.map((kind) => [kind, []]));
for (const file of walk("tests")) {
  const kind = kinds.find(({ files }) => files.test(file));
  if (kind === undefined || (unit && kind.name !== "unit tests")) continue;
  if (wanted.length > 0 && !wanted.some((part) => file.includes(part))) {
    continue;
  }
  claimed.get(kind)!.push(file);
}

try {
  await ensureTools({ yes, wanted: [...guestTools, ...testTools] });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}

const complaint = await fetchBundler();
if (complaint !== undefined) console.error(complaint.trimEnd());

const sum: Count = { passed: 0, failed: 0, ignored: 0 };
for (const group of groups) {
  const left: { kind: Kind; file: string }[] = [];
  for (const kind of group.kinds) {
    const files = claimed.get(kind)!;
    if (files.length === 0) continue;
    console.log(`\n# ${kind.name}`);
    if (await buildGuests(kind.guests)) {
      left.push(...files.map((file) => ({ kind, file })));
    } else {
      sum.failed += files.length;
    }
  }
  await runFiles(left, group.jobs);
}
writeSeconds();
for (const failure of failures) console.log(`\n# failed: ${failure}`);
const slowest = Object.entries(seconds).sort(([, a], [, b]) => b - a);
console.log("\n# what took longest");
for (const [file, seconds] of slowest.slice(0, SLOWEST)) {
  console.log(`${seconds.toFixed(1).padStart(6)} s  ${file}`);
}
console.log(
  `\nIn ${(performance.now() / 1000).toFixed(0)} seconds, with ${
    cpuSeconds().toFixed(0)
  } seconds of CPU time`,
);
if (sum.ignored > 0) console.log(`\n${sum.ignored} ignored`);
// Whoever runs this looks for the sum in the last line.
console.log(`\n${sum.passed} passed, ${sum.failed} failed`);
Deno.exit(sum.failed === 0 && sum.passed > 0 ? 0 : 1);

/** All files below a directory, in order of their names. */
function walk(directory: string): string[] {
  const entries = [...Deno.readDirSync(directory)]
    .sort((a, b) => a.name < b.name ? -1 : 1);
  return entries.flatMap(({ name, isDirectory }) =>
    isDirectory ? walk(`${directory}/${name}`) : `${directory}/${name}`
  );
}

async function buildGuests(names: readonly string[]): Promise<boolean> {
  if (names.length === 0) return true;
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "tests/guests/build.ts", ...names],
    stdout: "null",
    stderr: "inherit",
  }).output();
  return success;
}

/**
 * Runs files side by side, each in a process of its own: an environment, a
 * working directory and a user are a whole process's, and some tests change them.
 * What took longest begins first, so that all workers end at about the same time.
 */
async function runFiles(
  left: { kind: Kind; file: string }[],
  jobs: number,
): Promise<void> {
  const length = (file: string) => lastSeconds[file] ?? Infinity;
  left.sort((a, b) => {
    const [one, other] = [length(a.file), length(b.file)];
    return one === other ? 0 : other - one;
  });
  const running = new Map<Kind, number>();
  let change = Promise.withResolvers<void>();
  const work = async () => {
    while (left.length > 0) {
      const index = left.findIndex(({ kind }) =>
        (running.get(kind) ?? 0) < kind.jobs
      );
      if (index < 0) {
        await change.promise;
        continue;
      }
      const [{ kind, file }] = left.splice(index, 1);
      running.set(kind, (running.get(kind) ?? 0) + 1);
      const began = performance.now();
      const { passed, failed, ignored } = await runFile(file);
      seconds[file] = (performance.now() - began) / 1000;
      running.set(kind, running.get(kind)! - 1);
      sum.passed += passed;
      sum.failed += failed;
      sum.ignored += ignored;
      change.resolve();
      change = Promise.withResolvers();
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
}

/** What the last runs took, where they are known. */
function readSeconds(): Record<string, number> {
  try {
    return JSON.parse(Deno.readTextFileSync(secondsFile));
  } catch {
    return {};
  }
}

function writeSeconds(): void {
  const unfinished = `${secondsFile}.${Deno.pid}`;
  const text = JSON.stringify({ ...readSeconds(), ...seconds }, undefined, 1);
  Deno.mkdirSync(cacheHome(), { recursive: true });
  Deno.writeTextFileSync(unfinished, text);
  Deno.renameSync(unfinished, secondsFile);
}

/** The CPU time of all processes of the run, but of those that nobody waited for. */
function cpuSeconds(): number {
  const stat = Deno.readTextFileSync("/proc/self/stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // In hundredths on every Linux of x86 and ARM.
  return fields.slice(11, 15).reduce((sum, one) => sum + Number(one), 0) / 100;
}

/** Tests that need more than others have a configuration beside them. */
function configOf(file: string): string[] {
  const config = `${file.slice(0, file.lastIndexOf("/"))}/deno.json`;
  try {
    Deno.statSync(config);
    return ["--config", config];
  } catch {
    return [];
  }
}

async function runFile(file: string): Promise<Count> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const child = new Deno.Command(Deno.execPath(), {
      // The check task checks the types.
      args: [
        "test",
        "-A",
        "--no-check",
        `--junit-path=${report}`,
        ...configOf(file),
        file,
      ],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const [stdout, stderr, { success }] = await Promise.all([
      toText(child.stdout),
      toText(child.stderr),
      child.status,
    ]);
    console.log(stdout.trimEnd());
    if (stderr.length > 0) console.error(stderr.trimEnd());
    const count = countCases(await Deno.readTextFile(report));
    // A file that can't be loaded fails without any case of its own.
    if (!success && count.failed === 0) {
      count.failed = 1;
      failures.push(`${file}\n${stderr}`);
    }
    return count;
  } finally {
    await Deno.remove(report);
  }
}

function countCases(xml: string): Count {
  const count: Count = { passed: 0, failed: 0, ignored: 0 };
  for (const { name, file, outcome, failure } of junitCases(xml)) {
    count[outcome]++;
    if (failure !== undefined) failures.push(`${name} (${file})\n${failure}`);
  }
  return count;
}
