// Runs the tests:
//   deno run -A tests/run.ts [--unit] [--yes] [PATH…]
// A PATH is any part of a test file's path. Prints the sum of all at the end, and
// which files took longest, and most of the processor.

import { parseArgs } from "@std/cli/parse-args";
import { toText } from "@std/streams";
import { SHARED } from "./bundled.ts";
import { fetchBundler } from "./bundler.ts";
import { cacheHome } from "./guests/cache.ts";
import { ensureTools, guestTools, testTools } from "./guests/tools.ts";
import { junitCases } from "./junit_cases.ts";
import usual from "./costs.json" with { type: "json" };
import { type Cost, nextFile, type Scheduled } from "./schedule.ts";

/** Some of the tests, which need the same things. */
interface Kind {
  readonly name: string;
  /** Which test files belong to it, of those that no earlier kind took. */
  readonly files: RegExp;
  /** The guests that must have been built. */
  readonly guests: readonly string[];
  /** What a file takes of which nothing is known. */
  readonly cost: Cost;
}

/** A test file. */
interface TestFile extends Scheduled {
  readonly file: string;
}

const cores = navigator.hardwareConcurrency;
const kinds: readonly Kind[] = [
  {
    name: "tests on the guest tiny",
    files: /_vm_test\.ts$/,
    guests: ["tiny", "tiny-redis", "tiny-busybox", "tiny-bare", "micro"],
    cost: { seconds: 20, cpu: 14 },
  },
  {
    name: "tests of the Nix files",
    files: /^tests\/nix\/.*_test\.ts$/,
    guests: ["tiny"],
    cost: { seconds: 30, cpu: 20 },
  },
  {
    name: "tests on the guest debian",
    files: /_debian_test\.ts$/,
    guests: ["debian"],
    cost: { seconds: 40, cpu: 30 },
  },
  {
    name: "unit tests",
    files: /_test\.ts$/,
    guests: [],
    cost: { seconds: 4, cpu: 3 },
  },
];

interface Count {
  passed: number;
  failed: number;
  ignored: number;
}

/** The failures, to be shown again at the end. */
const failures: string[] = [];
/** How many of the files that took longest, or most CPU time, are named. */
const SLOWEST = 10;
/** What each file took when it last ran. */
const costsFile = `${cacheHome()}/test-costs.json`;
const lastCosts: Readonly<Record<string, Cost>> = { ...usual, ...readCosts() };
const costs: Record<string, Cost> = {};

/** Seconds that a file may take, however busy the host is. */
const LIMIT = 1500;
/** What the runtime writes when it fails itself. Its file then runs once more. */
const PANIC = "Deno has panicked";
/** The status of `timeout` where it had to end the command. */
const TIMED_OUT = 124;
/**
 * Runs the command that follows, then writes what it took to the file `$1`. If
 * it does not end, it is interrupted: `deno test` then names the pending tests.
 */
const measured = `
  stat=$1
  shift
  status=0
  timeout --foreground --signal=INT --kill-after=60 ${LIMIT} "$@" || status=$?
  cat "/proc/$$/stat" > "$stat"
  exit "$status"
`;

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
const shared = await Deno.makeTempDir({ prefix: "vmwright-test-" });
Deno.env.set(SHARED, shared);
try {
  await runAll();
} finally {
  await Deno.remove(shared, { recursive: true });
}
writeCosts();
for (const failure of failures) console.log(`\n# failed: ${failure}`);
tellMost("what took longest", ({ seconds }) => seconds);
tellMost("what took most CPU time", ({ cpu }) => cpu);
console.log(
  `\nIn ${(performance.now() / 1000).toFixed(0)} seconds, with ${
    cpuSeconds(Deno.readTextFileSync("/proc/self/stat")).toFixed(0)
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

function hasGuests({ guests }: Kind): boolean {
  return guests.length > 0;
}

async function buildGuests(names: readonly string[]): Promise<boolean> {
  return names.length === 0 || await prepare("tests/guests/build.ts", names);
}

/** Runs a program that prepares for tests, and says whether it could. */
async function prepare(
  program: string,
  args: readonly string[] = [],
): Promise<boolean> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", program, ...args],
    stdout: "null",
    stderr: "inherit",
  }).output();
  return success;
}

/**
 * Runs files side by side, each in a process of its own: an environment, a
 * working directory and a user are a whole process's, and some tests change them.
 * While guests are built, the files run that need none.
 */
async function runAll(): Promise<void> {
  const waiting: TestFile[] = [];
  const running = new Set<TestFile>();
  let change = Promise.withResolvers<void>();
  const changed = () => {
    change.resolve();
    change = Promise.withResolvers();
  };
  const add = (kind: Kind, files: readonly string[]) => {
    waiting.push(...files.map((file) => ({
      file,
      cost: lastCosts[file] ?? kind.cost,
      hasGuests: hasGuests(kind),
    })));
    changed();
  };
  let isBuilding = true;
  const build = async () => {
    const some = [...claimed].filter(([, files]) => files.length > 0)
      .sort(([one], [other]) =>
        Number(hasGuests(one)) - Number(hasGuests(other))
      );
    for (const [kind, files] of some) {
      if (await buildGuests(kind.guests)) {
        add(kind, files);
      } else {
        failures.push(`the guests of the ${kind.name} were not built`);
        sum.failed += files.length;
      }
    }
    isBuilding = false;
    changed();
  };
  const run = async (file: TestFile) => {
    running.add(file);
    const { passed, failed, ignored } = await runFile(file.file);
    running.delete(file);
    sum.passed += passed;
    sum.failed += failed;
    sum.ignored += ignored;
    changed();
  };
  const all: Promise<unknown>[] = [build()];
  // A few files fetch what they need themselves.
  if (!unit && wanted.length === 0) all.push(prepare("tests/supplies.ts"));
  while (isBuilding || waiting.length > 0) {
    const index = nextFile(waiting, [...running], cores);
    if (index < 0) await change.promise;
    else all.push(run(...waiting.splice(index, 1) as [TestFile]));
  }
  await Promise.all(all);
}

/** What the last runs took, where it is known. */
function readCosts(): Record<string, Cost> {
  try {
    return JSON.parse(Deno.readTextFileSync(costsFile));
  } catch {
    return {};
  }
}

function writeCosts(): void {
  const unfinished = `${costsFile}.${Deno.pid}`;
  const text = JSON.stringify({ ...readCosts(), ...costs }, undefined, 1);
  Deno.mkdirSync(cacheHome(), { recursive: true });
  Deno.writeTextFileSync(unfinished, text);
  Deno.renameSync(unfinished, costsFile);
}

function tellMost(title: string, of: (cost: Cost) => number): void {
  console.log(`\n# ${title}`);
  const most = Object.entries(costs).sort(([, a], [, b]) => of(b) - of(a));
  for (const [file, cost] of most.slice(0, SLOWEST)) {
    console.log(`${of(cost).toFixed(1).padStart(6)} s  ${file}`);
  }
}

/**
 * The CPU time of a process and all that it has waited for.
 *
 * @param stat The text of the process's `/proc/PID/stat`.
 */
function cpuSeconds(stat: string): number {
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

async function runFile(file: string, isAgain = false): Promise<Count> {
  const directory = await Deno.makeTempDir();
  const report = `${directory}/report.xml`;
  const stat = `${directory}/stat`;
  // They are empty if the file could not be loaded, or its process was killed.
  for (const path of [report, stat]) await Deno.writeTextFile(path, "");
  const began = performance.now();
  try {
    const child = new Deno.Command("bash", {
      // The check task checks the types.
      args: [
        ...["-c", measured, "bash", stat],
        ...[Deno.execPath(), "test"],
        "-A",
        "--no-check",
        `--junit-path=${report}`,
        ...configOf(file),
        file,
      ],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const [stdout, stderr, { success, code }] = await Promise.all([
      toText(child.stdout),
      toText(child.stderr),
      child.status,
    ]);
    console.log(stdout.trimEnd());
    if (stderr.length > 0) console.error(stderr.trimEnd());
    costs[file] = {
      seconds: (performance.now() - began) / 1000,
      cpu: cpuSeconds(await Deno.readTextFile(stat)),
    };
    if (!success && !isAgain && stderr.includes(PANIC)) {
      console.error(`${file} runs once more, since Deno itself has failed`);
      return await runFile(file, true);
    }
    const count = countCases(await Deno.readTextFile(report));
    // A file that can't be loaded fails without any case of its own.
    if (!success && count.failed === 0) {
      count.failed = 1;
      const why = code === TIMED_OUT
        ? `It has not ended in ${LIMIT} seconds.\n${lastLines(stdout)}`
        : stderr;
      failures.push(`${file}\n${why}`);
    }
    return count;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-20).join("\n");
}

function countCases(xml: string): Count {
  const count: Count = { passed: 0, failed: 0, ignored: 0 };
  for (const { name, file, outcome, failure } of junitCases(xml)) {
    count[outcome]++;
    if (failure !== undefined) failures.push(`${name} (${file})\n${failure}`);
  }
  return count;
}
