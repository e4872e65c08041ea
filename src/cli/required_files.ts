import type { MachineConfiguration } from "./config_file.ts";
import { kinds } from "../backend/kinds.ts";
import { StartCommand } from "../backend/start_command.ts";
import { nameOf } from "../driver/machine_name.ts";
import { absolute, directoryOf } from "../paths.ts";
import { UsageError } from "../errors.ts";
import type { ScriptSource } from "../run/plan.ts";
import type { Environment } from "./environment.ts";
import { isExecutable } from "./executable.ts";
import { missingInterpreter } from "./interpreter.ts";
import { normalPath } from "./normal_path.ts";

/** Checks that no two files of a run have the same path. */
export function refuseSharedFiles(
  files: readonly (readonly [what: string, path: string | undefined])[],
): void {
  const seen = new Map<string, string>();
  for (const [what, path] of files) {
    if (path === undefined || isDevice(path)) continue;
    const whole = normalPath(absolute(path));
    const other = seen.get(whole);
    if (other !== undefined) {
      throw new UsageError(`${other} and ${what} would both be in ${whole}`);
    }
    seen.set(whole, what);
  }
}

function isDevice(path: string): boolean {
  try {
    const { isFile, isDirectory } = Deno.statSync(path);
    return !isFile && !isDirectory;
  } catch {
    return false;
  }
}

/** Whether a path leads to a directory. */
export function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** Checks that a path is a readable file, or a pipe. */
export function requireFile(path: string, what: string): void {
  const info = look(path, what);
  if (info.isDirectory) {
    throw new UsageError(`${what} ${JSON.stringify(path)} is a directory`);
  }
  // Opening and closing a pipe would end its writer.
  if (!info.isFile) return;
  try {
    Deno.openSync(path).close();
  } catch (error) {
    throw unreachable(path, what, error);
  }
}

/**
 * Checks that a start script exists and can be run. The shell checks a command
 * line.
 */
export function requireStartCommand(machine: MachineConfiguration): void {
  const { startCommand } = machine;
  if (kinds[nameOf(machine).backend].startsFrom === "description") {
    if (new StartCommand(startCommand).isDescription) return;
    return requireFile(startCommand, "description of a machine");
  }
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(startCommand);
  } catch (error) {
    if (!startCommand.includes("/") || /\s/.test(startCommand)) return;
    throw unreachable(startCommand, "start script", error);
  }
  if (info.isDirectory) {
    throw new UsageError(
      `start script ${JSON.stringify(startCommand)} is a directory`,
    );
  }
  if (!isExecutable(startCommand, info.mode ?? 0o111)) {
    throw new UsageError(
      `start script ${JSON.stringify(startCommand)} is not executable`,
    );
  }
  const interpreter = info.isFile
    ? missingInterpreter(startCommand)
    : undefined;
  if (interpreter === undefined) return;
  throw new UsageError(
    `start script ${JSON.stringify(startCommand)} is run by ` +
      `${JSON.stringify(interpreter)}, which does not exist`,
  );
}

/** Checks that there is a Python for a script or a prompt in Python. */
export function requirePython(
  script: ScriptSource | undefined,
  environment: Environment,
): void {
  const path = environment.get("PATH");
  // Without a PATH, the shell decides where to look.
  if (path === undefined) return;
  const found = path.split(":").some((directory) => {
    try {
      return Deno.statSync(`${directory || "."}/python3`).isFile;
    } catch {
      return false;
    }
  });
  if (found) return;
  throw new UsageError(
    `${
      script === undefined
        ? "the prompt is in Python"
        : `${script.path ?? "the script"} is written in Python`
    }, but there is no python3 on PATH`,
  );
}

/**
 * Checks that a directory is writable, or can be made. It tries to write:
 * permissions do not tell whether a file system is mounted read-only.
 *
 * @returns Whether it exists.
 */
export function requireDirectory(path: string, what: string): boolean {
  const named = JSON.stringify(path);
  const [at, info] = lowestThere(path === "" ? "." : path);
  const isThere = at === path || path === "";
  if (info === undefined) {
    throw new UsageError(`${what} ${named} can't be made`);
  }
  if (!info.isDirectory) {
    throw new UsageError(
      isThere
        ? `${what} ${named} is not a directory`
        : `${what} ${named} can't be made: ${at} is not a directory`,
    );
  }
  try {
    Deno.removeSync(Deno.makeTempFileSync({ dir: at, prefix: ".vmwright-" }));
  } catch {
    throw new UsageError(
      isThere
        ? `${what} ${named} is not writable`
        : `${what} ${named} can't be made: ${at} is not writable`,
    );
  }
  return isThere;
}

/** Finds the longest existing beginning of a path, and its kind. */
function lowestThere(path: string): [string, Deno.FileInfo | undefined] {
  for (let at = path;;) {
    try {
      return [at, Deno.statSync(at)];
    } catch (error) {
      const isMissing = error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotADirectory;
      if (!isMissing || at === "/" || at === ".") return [at, undefined];
    }
    at = directoryOf(at);
  }
}

/** Checks that a file can be written, or made. */
export function requireWritableFile(path: string, what: string): void {
  const complaint = () => new UsageError(`${what} can't be written`);
  let existed = true;
  try {
    const info = Deno.statSync(path);
    if (info.isDirectory) throw new UsageError(`${what} is a directory`);
    // Opening a pipe would wait for its reader.
    if (!info.isFile) return;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (!(error instanceof Deno.errors.NotFound)) throw complaint();
    existed = false;
  }
  try {
    Deno.openSync(path, { write: true, create: !existed }).close();
  } catch {
    throw complaint();
  }
  if (!existed) Deno.removeSync(path);
}

/** Reads a file that must exist. */
export function readText(path: string, what: string): string {
  requireFile(path, what);
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw unreachable(path, what, error);
  }
}

function look(path: string, what: string): Deno.FileInfo {
  try {
    return Deno.statSync(path);
  } catch (error) {
    throw unreachable(path, what, error);
  }
}

function unreachable(path: string, what: string, error: unknown): UsageError {
  return new UsageError(
    error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory
      ? `${what} ${JSON.stringify(path)} does not exist`
      : `${what} ${JSON.stringify(path)} can't be read: ${
        (error as Error).message.replace(/ \(os error .*$/s, "")
      }`,
  );
}
