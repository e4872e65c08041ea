/**
 * Changes the scanner's sources in one place at a time, and looks whether a
 * test notices. What lives on is a guard that no test holds, or one that only
 * makes things faster.
 *
 *     deno task mutants [--sample N] [--seed S] [--tests PATH]… [FILE[:LINE]]…
 *
 * `FILE` is the name of a file in `wasm/scanner`; all of them by default. Each
 * mutant is built and tested in a directory of its own. Nothing runs this by
 * itself: it takes as long as the tests, times the mutants.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { Random } from "./scan/random.ts";

const root = new URL("../", import.meta.url);
const folder = new URL("wasm/scanner/", root);
/** Milliseconds after which a mutant that goes round in circles is found out. */
const LONGEST = 300_000;

interface Mutant {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly before: string;
  readonly after: string;
}

/** What a line may be instead. */
function variants(line: string): string[] {
  const code = line.replace(/\s*\/\/.*$/, "");
  if (/^\s*(?:\/?\*|import|export \{|\}|@)/.test(code)) return [];
  const others: string[] = [];
  // A statement that declares nothing and answers nothing can be left out.
  const isStatement = /^ {2,}[^ ].*;$/.test(code) &&
    !/^\s*(?:const|let|return|case|default|export|this;)/.test(code);
  if (isStatement && balanced(code)) others.push("");
  const swaps: [RegExp, string][] = [
    [/ < /, " <= "],
    [/ <= /, " < "],
    [/ > /, " >= "],
    [/ >= /, " > "],
    [/ == /, " != "],
    [/ != /, " == "],
    [/ && /, " || "],
    [/ \|\| /, " && "],
    [/ \+ 1\b/, ""],
    [/ - 1\b/, ""],
    [/\bmin\(/, "max("],
    [/\bmax\(/, "min("],
    [/\bmin</, "max<"],
    [/\bmax</, "min<"],
    [/ << 1\b/, ""],
    [/\b(if|while) \(!/, "$1 ("],
    [/\b(if|while) \((?!!)([^()]*)\)/, "$1 (!($2))"],
  ];
  for (const [from, to] of swaps) {
    // The angle brackets of a type have no spaces around them.
    const other = code.replace(from, to);
    if (other !== code) others.push(other);
  }
  return others;
}

function balanced(code: string): boolean {
  const count = (letter: string) => code.split(letter).length;
  return count("(") === count(")") && count("{") === count("}");
}

async function run(
  directory: string,
  args: string[],
): Promise<"good" | "bad" | "endless"> {
  const process = new Deno.Command(Deno.execPath(), {
    args,
    cwd: directory,
    stdout: "null",
    stderr: "null",
  }).spawn();
  const timer = setTimeout(() => process.kill("SIGKILL"), LONGEST);
  const { success, signal } = await process.status;
  clearTimeout(timer);
  return signal === "SIGKILL" ? "endless" : success ? "good" : "bad";
}

/** The files to build and test the scanner, as links if they do not change. */
async function workshop(): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "vmwright-mutants-" });
  const shared = ["src", "tests", "deno.json", "deno.lock"];
  const wasm = ["scanner", "build.ts", "deno.json", "deno.lock"];
  for (const name of [...shared, ...wasm.map((name) => `wasm/${name}`)]) {
    await copy(new URL(name, root).pathname, `${directory}/${name}`);
  }
  return directory;
}

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
  if ((await Deno.stat(from)).isFile) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    await copy(`${from}/${name}`, `${to}/${name}`);
  }
}

const { sample, seed = String(Date.now() % 100_000), tests, _: places } =
  parseArgs(Deno.args, {
    string: ["sample", "seed", "tests"],
    collect: ["tests"],
    unknown: (argument, name) => {
      if (name === undefined) return;
      console.error(
        `expected --sample, --seed, --tests or places, got ${argument}`,
      );
      Deno.exit(2);
    },
  });
const wanted = places.map((place) => String(place).split(":"));
const mutants: Mutant[] = [];
for (
  const file of [...Deno.readDirSync(folder)].map(({ name }) => name).sort()
) {
  const lines = Deno.readTextFileSync(new URL(file, folder)).split("\n");
  lines.forEach((before, index) => {
    const line = index + 1;
    const isWanted = wanted.length === 0 ||
      wanted.some(([name, number]) =>
        name === file && (number === undefined || Number(number) === line)
      );
    if (!isWanted) return;
    for (const after of variants(before)) {
      mutants.push({ file, line, before, after });
    }
  });
}
if (sample !== undefined) {
  console.log(`seed: ${seed} (run again with --seed ${seed})`);
  const random = new Random(Number(seed));
  while (mutants.length > Number(sample)) {
    mutants.splice(random.below(mutants.length), 1);
  }
}

const directory = await workshop();
const counts = { noticed: 0, lived: 0, "not built": 0 };
try {
  const tested = tests.length > 0 ? tests : ["tests/scan"];
  const test = ["test", "-A", "--no-check", "--fail-fast", ...tested];
  await run(directory, ["run", "-A", "wasm/build.ts"]);
  if (await run(directory, test) !== "good") {
    throw new Error("Expected the tests to pass before anything is changed");
  }
  for (const { file, line, before, after } of mutants) {
    const path = `${directory}/wasm/scanner/${file}`;
    const whole = await Deno.readTextFile(path);
    const lines = whole.split("\n");
    lines[line - 1] = after;
    await Deno.writeTextFile(path, lines.join("\n"));
    const built = await run(directory, ["run", "-A", "wasm/build.ts"]);
    const outcome = built !== "good"
      ? "not built"
      : await run(directory, test) === "good"
      ? "lived"
      : "noticed";
    await Deno.writeTextFile(path, whole);
    counts[outcome]++;
    const change = `${before.trim()}  →  ${after.trim() || "(nothing)"}`;
    console.log(`${outcome}: ${file}:${line}: ${change}`);
  }
} finally {
  await Deno.remove(directory, { recursive: true });
}
console.log(
  `${counts.noticed} noticed, ${counts.lived} lived, ${
    counts["not built"]
  } did not build`,
);
