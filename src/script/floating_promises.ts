import { directoryOf } from "../paths.ts";
import { Supervisor } from "../backend/mod.ts";
import { UsageError } from "../errors.ts";
import {
  absoluteImports,
  findApi,
  findDeno,
  isScriptFile,
  missingApi,
  parseDiagnostics,
  type TypeDiagnostic,
} from "./check_types.ts";
import { makeCheckDirectory } from "./check_directory.ts";
import { declarations, type ScriptNames } from "./declarations.ts";
import { fileUrl, type Script } from "./script.ts";

/**
 * A plugin of `deno lint`, which parses a script. It reports the place of every
 * expression statement, except of those that handle a promise.
 */
const plugin = `
function isSettled(node) {
  switch (node.type) {
    case "AssignmentExpression":
    case "AwaitExpression":
    case "Literal":
    case "UnaryExpression":
    case "UpdateExpression":
      return true;
    case "ChainExpression":
      return isSettled(node.expression);
    case "CallExpression": {
      const name = node.callee.property?.name;
      const count = node.arguments.length;
      return (name === "catch" && count > 0) || (name === "then" && count > 1) ||
        (name === "finally" && isSettled(node.callee.object));
    }
    default:
      return false;
  }
}
export default {
  name: "vmwright",
  rules: {
    statements: {
      create: (context) => ({
        ExpressionStatement(node) {
          if (isSettled(node.expression)) return;
          context.report({ node, message: JSON.stringify(node.range) });
        },
      }),
    },
  },
};
`;

const configuration = JSON.stringify({
  lint: {
    plugins: ["./plugin.js"],
    rules: { tags: [], include: ["vmwright/statements"] },
  },
});

/**
 * Takes every value that can't be a promise. It also takes `any`. The copy of
 * the script has it, and not the declarations: so `deno` recognises those from
 * the check of the script's types.
 */
const settled = `
type __VmwrightSettled<T> = 0 extends 1 & T ? unknown
  : [Extract<T, PromiseLike<unknown>>] extends [never] ? unknown
  : never;
declare function __vmwrightSettled<T>(value: T & __VmwrightSettled<T>): void;
`;

/** The begin and the end of a statement in the script's text. */
type Range = [start: number, end: number];

/**
 * Finds the promises that a script never waits for: statements whose value is a
 * promise, such as a command without `await`.
 *
 * The rules of `deno lint` know no types, and `deno check` has no rules. So
 * `deno lint` finds the statements, and `deno check` checks a copy of the
 * script in which each of them passes its value to a function that takes no
 * promise.
 *
 * @param script The script, in TypeScript.
 * @param names The machines and networks.
 * @returns The promises; none if the script can't be parsed, which
 * `checkTypes()` reports.
 * @throws {UsageError} if there is no `deno`, or if it can't lint the script.
 */
export async function floatingPromises(
  script: Script,
  names: ScriptNames,
): Promise<TypeDiagnostic[]> {
  const deno = findDeno(), api = findApi();
  if (deno === undefined) {
    throw new UsageError(
      "deno lints scripts, and a compiled program does not contain it",
    );
  }
  if (api === undefined) throw new UsageError(missingApi);
  const text = script.readText();
  const scriptPath = decodeURIComponent(new URL(script.url).pathname);
  const declared = declarations(names, api);
  await using supervisor = new Supervisor();
  const path = await makeCheckDirectory(declared, supervisor);
  const file = `${path}/script.${/\.tsx$/.test(script.url) ? "tsx" : "ts"}`;

  await Deno.writeTextFile(`${path}/plugin.js`, plugin);
  await Deno.writeTextFile(`${path}/deno.json`, configuration);
  await Deno.writeTextFile(file, text);
  const ranges = await statementsOf(deno, path, file);
  if (ranges.length === 0) return [];

  const { code, lines } = withProbes(text, ranges);
  await Deno.writeTextFile(`${path}/vmwright.d.ts`, declared);
  await Deno.writeTextFile(file, absoluteImports(code, script.url) + settled);
  const { stderr } = await new Deno.Command(deno, {
    args: ["check", "--quiet", "--no-lock", `${path}/vmwright.d.ts`, file],
    // The options of the script's project are those of the check of its types,
    // too, whose declarations `deno` then recognises.
    cwd: isScriptFile(script) ? directoryOf(scriptPath) : Deno.cwd(),
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  const found = parseDiagnostics(new TextDecoder().decode(stderr));
  const promises = found.flatMap(({ url, place, message }) => {
    const range = lines.get(Number(place.split(":")[0]));
    // All other errors are the script's own, which `checkTypes()` reports.
    const isPromise = url === fileUrl(file) && range !== undefined &&
      / parameter of type 'never'\.$/m.test(message);
    return isPromise ? [range] : [];
  });
  return promises.sort(([one], [other]) => one - other)
    .map((range) => floating(script.name, text, range));
}

/** Finds the statements that may leave a promise. */
async function statementsOf(
  deno: string,
  directory: string,
  file: string,
): Promise<Range[]> {
  const { stdout, stderr } = await new Deno.Command(deno, {
    args: ["lint", "--json", "--config", `${directory}/deno.json`, file],
    cwd: directory,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  let answer: { diagnostics: { message: string }[] };
  try {
    answer = JSON.parse(decoder.decode(stdout));
  } catch {
    throw new UsageError(
      `deno can't lint the script: ${
        decoder.decode(stderr).trim().replace(/^error: /, "")
      }`,
    );
  }
  return answer.diagnostics.map(({ message }) => JSON.parse(message));
}

/**
 * Makes a copy of a script in which each statement passes its value to the
 * probe, and lists the lines of the probes.
 */
function withProbes(
  text: string,
  ranges: readonly Range[],
): { code: string; lines: Map<number, Range> } {
  // This makes a block, because a statement may be the whole branch of an `if`.
  // The probe has a line of its own, which identifies its error.
  const insertions = ranges.flatMap((range) => {
    const [start, end] = range;
    return [
      { at: start, isEnd: false, range, text: "{const __vmwrightValue=" },
      {
        at: end,
        isEnd: true,
        range,
        text: ";\n__vmwrightSettled(__vmwrightValue);\n}",
      },
    ];
  }).sort((a, b) => a.at - b.at || Number(b.isEnd) - Number(a.isEnd));
  const lines = new Map<number, Range>();
  let code = "", done = 0, line = 1;
  const add = (part: string) => {
    code += part;
    line += part.split("\n").length - 1;
  };
  for (const { at, isEnd, range, text: inserted } of insertions) {
    add(text.slice(done, at));
    done = at;
    if (isEnd) lines.set(line + 1, range);
    add(inserted);
  }
  add(text.slice(done));
  return { code, lines };
}

/** The message about a statement. */
function floating(name: string, text: string, [start, end]: Range) {
  const before = text.slice(0, start).split("\n");
  const column = before.at(-1)!.length + 1;
  const line = text.split("\n")[before.length - 1];
  const length = Math.min(end - start, line.length - column + 1);
  return {
    place: `${name}:${before.length}:${column}`,
    message:
      "An await is missing: nothing waits for this promise, expected `await` before it, or `void` where it may go on by itself",
    source: `${line}\n${" ".repeat(column - 1)}${"~".repeat(length)}`,
  };
}
