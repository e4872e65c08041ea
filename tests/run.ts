// Runs the tests, what is quick first:
//   deno run -A tests/run.ts [--unit] [--yes] [PATH…]
// A PATH is any part of a test file's path. Prints the sum of all at the end.

import { parseArgs } from "@std/cli/parse-args";
import { toText } from "@std/streams";
import { fetchBundler } from "./bundler.ts";
import { ensureTools, guestTools, testTools } from "./guests/tools.ts";

/** Some of the tests, which need the same things. */
interface Phase {
  readonly name: string;
  /** Which test files belong to it, of those that no earlier phase took. */
  readonly files: RegExp;
  /** The guests that must have been built. */
  readonly guests: readonly string[];
  /** How many files run at the same time; default: as many as there are cores. */
  readonly jobs?: number;
}

const phases: readonly Phase[] = [
  {
    name: "tests on the guest tiny",
    files: /_vm_test\.ts$/,
    guests: ["tiny", "tiny-busybox", "tiny-bare"],
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
  { name: "unit tests", files: /_test\.ts$/, guests: [] },
];
/** The phases claim files in the order above, and run in this one. */
const order = [phases[3], phases[0], phases[1], phases[2]];

interface Count {
  passed: number;
  failed: number;
  ignored: number;
}

/** What failed, to be told once more at the end. */
const failures: string[] = [];

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

const claimed = new Map<Phase, string[]>(phases.map((phase) => [phase, []]));
for (const file of walk("tests")) {
  const phase = phases.find(({ files }) => files.test(file));
  if (phase === undefined) continue;
  if (wanted.length > 0 && !wanted.some((part) => file.includes(part))) {
    continue;
  }
  claimed.get(phase)!.push(file);
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
for (const phase of order) {
  const files = claimed.get(phase)!;
  if (files.length === 0) continue;
  if (unit && phase.name !== "unit tests") continue;
  console.log(`\n# ${phase.name}`);
  const count = await buildGuests(phase.guests)
    ? await runPhase(phase, files)
    : { passed: 0, failed: files.length, ignored: 0 };
  sum.passed += count.passed;
  sum.failed += count.failed;
  sum.ignored += count.ignored;
}
for (const failure of failures) console.log(`\n# failed: ${failure}`);
if (sum.ignored > 0) console.log(`\n${sum.ignored} ignored`);
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
 */
async function runPhase(phase: Phase, files: string[]): Promise<Count> {
  const count: Count = { passed: 0, failed: 0, ignored: 0 };
  const left = [...files];
  const work = async () => {
    for (let file; (file = left.shift()) !== undefined;) {
      const { passed, failed, ignored } = await runFile(file);
      count.passed += passed;
      count.failed += failed;
      count.ignored += ignored;
    }
  };
  const jobs = phase.jobs ?? navigator.hardwareConcurrency;
  await Promise.all(Array.from({ length: jobs }, work));
  return count;
}

async function runFile(file: string): Promise<Count> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const child = new Deno.Command(Deno.execPath(), {
      // The check task checks the types.
      args: ["test", "-A", "--no-check", `--junit-path=${report}`, file],
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
  for (const [testCase] of xml.matchAll(/<testcase [^]*?<\/testcase>/g)) {
    if (testCase.includes("<skipped/>")) count.ignored++;
    // The steps that failed are cases themselves.
    else if (/<failure message="\d+ test steps? failed">/.test(testCase)) {
      continue;
    } else if (testCase.includes("<failure ")) {
      count.failed++;
      failures.push(toldFailure(testCase));
    } else count.passed++;
  }
  return count;
}

/** A failed case's name, its file and what Deno said of it. */
function toldFailure(testCase: string): string {
  const text = (pattern: RegExp) =>
    (pattern.exec(testCase)?.[1] ?? "").replace(
      /&(lt|gt|quot|apos|amp|#x[0-9a-f]+|#\d+);/gi,
      (_, name: string) => entity(name),
    );
  const message = text(/<failure [^>]*>([^]*?)<\/failure>/);
  return `${text(/ name="([^"]*)"/)} (${
    text(/ classname="([^"]*)"/)
  })\n${message}`;
}

function entity(name: string): string {
  if (name.startsWith("#x")) {
    return String.fromCodePoint(parseInt(name.slice(2), 16));
  }
  if (name.startsWith("#")) return String.fromCodePoint(Number(name.slice(1)));
  return { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" }[name]!;
}
