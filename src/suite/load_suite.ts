import { UsageError } from "../errors.ts";
import { absolute, baseName, directoryOf } from "../paths.ts";
import { nearest } from "../report/mod.ts";
import { fileUrl } from "../script/script.ts";
import { type Field, isObject, suiteFields, testFields } from "./fields.ts";
import type { Suite } from "./suite.ts";

/** The default names of a suite's file. */
export const SUITE_FILES = ["vmwright.suite.json", "vmwright.suite.ts"];

/** A suite, and where it comes from. */
export interface LoadedSuite {
  /** Its contents, which are valid. */
  readonly suite: Suite;
  /** The absolute path of the folder that its paths count from. */
  readonly folder: string;
  /** What reports call it. */
  readonly name: string;
  /** The files that it was read from. */
  readonly files: readonly string[];
}

/** Bytes of the longest name of a test, which names a directory. */
const LONGEST_NAME = 150;

/**
 * Checks what a suite's file or a caller gives.
 *
 * @param value The suite.
 * @param where The file's name, for messages.
 * @throws {UsageError} The first thing that is wrong.
 */
export function checkSuite(value: unknown, where: string): Suite {
  const wrong = (path: string, expected: string, got: unknown) =>
    new UsageError(
      `${where}: ${path} must be ${expected}, got ${shown(got)}`,
    );
  const check = (
    path: string,
    object: Record<string, unknown>,
    fields: Readonly<Record<string, Field>>,
  ) => {
    for (const [name, value] of Object.entries(object)) {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (field === undefined) {
        const meant = nearest(name, Object.keys(fields));
        throw new UsageError(
          `${where}: ${path}${step(name)} is unknown` +
            (meant === undefined ? "" : `; did you mean ${meant}?`),
        );
      }
      if (value === undefined) continue;
      if (!field.kind.takes(value)) {
        throw wrong(`${path}${step(name)}`, field.kind.expected, value);
      }
    }
  };
  if (!isObject(value)) throw wrong("$", "an object", value);
  check("$", value, suiteFields);
  if (value.tests === undefined) {
    throw wrong("$.tests", suiteFields.tests.kind.expected, undefined);
  }
  const suite = value as unknown as Suite;
  if (suite.defaults !== undefined) {
    check("$.defaults", { ...suite.defaults }, testFields);
  }
  for (const [name, test] of Object.entries(suite.tests)) {
    const path = `$.tests${step(name)}`;
    if (!isObject(test)) throw wrong(path, "an object", test);
    check(path, test, testFields);
    if (name === "" || new TextEncoder().encode(name).length > LONGEST_NAME) {
      throw new UsageError(
        `${where}: ${path} must have a name of 1 to ${LONGEST_NAME} bytes`,
      );
    }
  }
  return suite;
}

/**
 * Reads suites' files, or configuration files of the NixOS test framework, each
 * of which is a test.
 *
 * @param paths The files; those of the working directory with the usual name, if
 * there are none.
 * @throws {UsageError} if there is no suite, or if it is not valid.
 */
export async function loadSuite(
  paths: readonly string[],
): Promise<LoadedSuite> {
  if (paths.length === 0) return await readSuite(usualFile());
  if (paths.length === 1 && !isConfiguration(paths[0])) {
    return await readSuite(paths[0]);
  }
  const other = paths.find((path) => !isConfiguration(path));
  if (other !== undefined) {
    throw new UsageError(
      `Expected one suite, or configuration files alone, got ${
        paths.join(" ")
      }, of which ${other} is no configuration file`,
    );
  }
  const tests: Record<string, { config: string }> = {};
  for (const path of paths) {
    // A store's path has a hash before the name.
    const usual = baseName(path).replace(/^[0-9a-z]{32}-/, "")
      .replace(/\.json$/, "");
    let name = usual;
    for (let count = 2; tests[name] !== undefined; count++) {
      name = `${usual}-${count}`;
    }
    tests[name] = { config: path };
  }
  const folder = Deno.cwd();
  return {
    suite: checkSuite({ tests }, "the configuration files"),
    folder,
    name: baseName(folder),
    files: [],
  };
}

function usualFile(): string {
  const [found, another] = SUITE_FILES.filter(isFile);
  if (another !== undefined) {
    throw new UsageError(`two suites: ${found} and ${another}; name one`);
  }
  if (found !== undefined) return found;
  throw new UsageError(
    `no suite: name one, or configuration files, or write ${SUITE_FILES[0]}`,
  );
}

async function readSuite(path: string): Promise<LoadedSuite> {
  const whole = absolute(path);
  const value = path.endsWith(".json") ? readJson(path) : await imported(path);
  const suite = checkSuite(value, path);
  const folder = directoryOf(whole);
  return {
    suite,
    folder,
    name: suite.name ?? baseName(Deno.realPathSync(folder)),
    files: [whole],
  };
}

function isConfiguration(path: string): boolean {
  if (!path.endsWith(".json")) return false;
  const value = readJson(path);
  // A file without any key of a configuration is taken for a suite.
  return isObject(value) && value.tests === undefined &&
    ["vms", "containers", "test_script", "vlans", "global_timeout"].some(
      (key) => Object.hasOwn(value, key),
    );
}

function readJson(path: string): unknown {
  let text;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(
      `${path} is not JSON: ${
        (error as Error).message.replace(/, "?\.{0,3}[^]*is not valid.*$/, "")
      }`,
    );
  }
}

async function imported(path: string): Promise<unknown> {
  if (!isFile(path)) throw unreadable(path, new Error("there is no such file"));
  const url = new URL(fileUrl(absolute(path)));
  // Under watch the file is read once more after a change.
  url.search = `${Deno.statSync(path).mtime?.getTime() ?? 0}`;
  let module: { default?: unknown };
  try {
    module = await import(url.href);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      `${path} does not give a suite: ${
        error instanceof Error ? `${error.name}: ${error.message}` : error
      }`,
    );
  }
  if (module.default === undefined) {
    throw new UsageError(`${path} has no default export, which is the suite`);
  }
  return module.default;
}

function unreadable(path: string, error: unknown): UsageError {
  return new UsageError(
    error instanceof Deno.errors.NotFound
      ? `suite ${JSON.stringify(path)} does not exist`
      : `suite ${JSON.stringify(path)} can't be read: ${
        (error as Error).message.replace(/ \(os error .*$/s, "")
      }`,
  );
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Writes a key as a step of a JSON path. */
function step(key: string): string {
  return /^[\w$-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  return isObject(value) ? "an object" : JSON.stringify(value);
}
