import { absolute, directoryOf } from "../paths.ts";
import { nameOf } from "../driver/machine_name.ts";
import { fileName, requireShortName } from "../machine/file_name.ts";
import { UsageError } from "../errors.ts";
import type { CaptureMode } from "../driver/driver.ts";
import type { LogLevel } from "../report/event.ts";
import type { ConsoleDisplay } from "../report/terminal.ts";
import type { Language } from "../script/language.ts";
import { languageOf } from "../script/language.ts";
import type { ScriptSource } from "../run/plan.ts";
import { type OptionValues, parseArguments } from "./arguments.ts";
import {
  type ConfigFile,
  type MachineConfiguration,
  parseConfigFile,
} from "./config_file.ts";
import { isExecutable } from "./executable.ts";
import { isNamedAsScript } from "./list_ends.ts";
import { parseMachineConfig } from "./machine_config.ts";
import { normalPath } from "./normal_path.ts";
import { options } from "./options.ts";

export type { MachineConfiguration } from "./config_file.ts";

/** The action. */
export type Command = "run" | "eval" | "check" | "types" | "help" | "version";

/**
 * The settings from the command line, the environment and the configuration
 * file.
 */
export interface Configuration {
  /** The action. */
  readonly command: Command;
  /** The virtual machines, whose names differ. */
  readonly machines: readonly MachineConfiguration[];
  /** Containers of the configuration file. */
  readonly containers: readonly MachineConfiguration[];
  /** Numbers of the networks, each once. */
  readonly vlans: readonly number[];
  /** The test script, if there is one. */
  readonly script?: ScriptSource;
  /** The language of the script, or of a prompt without one. */
  readonly language: Language;
  /** An absolute path. The directory is writable, or can be made. */
  readonly outDir: string;
  /** Seconds. */
  readonly globalTimeout?: number;
  /** What decides about what happens at random. */
  readonly seed?: number;
  /** Bytes of memory that the forks of subtests may have at a time. */
  readonly forkMemory?: number;
  /** When the frames of all networks are kept. */
  readonly capture?: CaptureMode;
  /**
   * Whether to keep the state directories, and to use those of the last run.
   */
  readonly keepState: boolean;
  /** Whether to show a prompt instead of running the script. */
  readonly interactive: boolean;
  /** Whether to run again whenever the script changes. */
  readonly watch: boolean;
  /** Whether machines outlive one run of the script under watch. */
  readonly keepMachines: boolean;
  /** Whether the script's types are checked. */
  readonly check: boolean;
  /** Whether `vmwright check` looks for promises without an `await`. */
  readonly lint: boolean;
  /** Whether the guests' memory is written to files where the run fails. */
  readonly dumpMemory: boolean;
  /** Whether the test goes on after a subtest that failed. */
  readonly keepGoing: boolean;
  /** Whether a script that fails stops with a prompt. */
  readonly stopOnFailure: boolean;
  /** Absolute path of the JUnit report. */
  readonly junitXml?: string;
  /** Absolute path of the HTML report. */
  readonly html?: string;
  /** Path of the XML log. */
  readonly xmlLog?: string;
  /** Absolute path of the file of events. */
  readonly events?: string;
  /** The lowest level of messages to show. */
  readonly logLevel: LogLevel;
  /** When the terminal shows the machines' consoles. */
  readonly console?: ConsoleDisplay;
  /** Whether to print how to connect to the machines by ssh. */
  readonly sshBackdoor: boolean;
  /**
   * Whether the driver has to make the machines' virtual sockets for ssh:
   * frameworks that write a configuration file leave that to the driver.
   */
  readonly vhostVsock: boolean;
  /** The machines' vsock numbers count from this one. */
  readonly dumpVsocks?: number;
  /** The program that attaches to a breakpoint in a build sandbox. */
  readonly debugHookAttach?: string;
  /** Warnings. */
  readonly warnings: readonly string[];
}

/** The environment. */
export interface Environment {
  /** The variable's value, if it is set. */
  get(name: string): string | undefined;
}

const logLevels: readonly string[] = ["debug", "info", "warning", "error"];
const commands: readonly string[] = ["eval", "eval-file", "check", "types"];
/** The longest time of a timer, in seconds. */
const longestTimeout = 2147483;

/**
 * Makes a configuration of arguments, environment and the file of `--config`.
 * Arguments come before the file, and the file before the environment. This
 * starts and changes nothing; it checks files and directories that must exist.
 *
 * @param args The command line's words.
 * @param environment The environment.
 * @returns The configuration.
 * @throws {UsageError} if something is wrong. The message says what, in one
 * sentence.
 */
export function configure(
  args: readonly string[],
  environment: Environment,
): Configuration {
  const { options: given, words } = parseArguments(args);
  const command = commandOf(given, words);
  const warnings: string[] = [];
  if (command === "help" || command === "version") {
    return { ...nothing, command, warnings };
  }

  const file: ConfigFile = command === "eval"
    ? { warnings: [] }
    : fileOf(given, environment);
  warnings.push(...file.warnings);
  const fromEnvironment = (key: "startScripts" | "vlans") =>
    environment.get(options[key].environment)?.split(/\s+/).filter((w) => w);

  const script = scriptOf(command, given, words, file, environment);
  const common = {
    ...nothing,
    command,
    script,
    language: script?.language ?? given.language as Language ?? "typescript",
    warnings,
    logLevel: logLevelOf(given, environment),
    console: consoleOf(given, environment),
  };
  const isEval = command === "eval";
  if (isEval) refuseMachines(given);

  const named = isEval ? [] : machinesOf(
    given.startScripts,
    file.machines,
    fromEnvironment("startScripts"),
  );
  const machines = named ?? [];
  const containers = isEval ? [] : file.containers ?? [];
  refuseDoubles([...machines, ...containers]);
  const vlans = isEval
    ? []
    : vlansOf(given.vlans, file.vlans, fromEnvironment("vlans"));

  if (command === "check" || command === "types") {
    const check = given.check ?? true, lint = given.lint ?? true;
    return { ...common, machines, containers, vlans, check, lint };
  }

  if (named === undefined && file.containers === undefined) {
    throw new UsageError(
      "no machines: name their start scripts with --start-scripts, the environment variable startScripts, or --config",
    );
  }
  if (script === undefined && given.interactive !== true) {
    const last = given.startScripts?.at(-1);
    throw new UsageError(
      last !== undefined && isNamedAsScript(last)
        ? `no test script: ${last} is executable and was taken for a start script; name it before --start-scripts, or with --test-script`
        : "no test script: name a file, or set the environment variable testScript",
    );
  }
  if (given.watch && script?.path === undefined) {
    throw new UsageError("--watch expects a test script in a file");
  }
  if (given.keepMachines && !given.watch) {
    throw new UsageError("--keep-machines goes with --watch");
  }

  for (const machine of [...machines, ...containers]) {
    requireShortName(machine.name);
    requireStartCommand(machine);
  }
  if (common.language === "python") requirePython(script, environment);

  const outDir = absolute(given.outputDir ?? ".");
  const isThere = requireDirectory(given.outputDir ?? ".", "output directory");
  const report = (path: string, what: string, base = outDir) => {
    const whole = absolute(path, base);
    // In a directory that does not exist yet, nothing is in the way.
    const isNew = !isThere && whole === `${outDir}/${path}` &&
      !path.includes("/");
    if (!isNew) requireWritableFile(whole, `${what} ${JSON.stringify(path)}`);
    return whole;
  };
  for (const { name } of [...machines, ...containers]) {
    report(`${fileName(name)}.log`, "console log");
  }
  const logFile = environment.get("LOGFILE");
  const reports = {
    junitXml: given.junitXml === undefined
      ? undefined
      : report(given.junitXml, "JUnit report"),
    html: given.html === false
      ? undefined
      : report(given.html ?? "report.html", "HTML report"),
    xmlLog: logFile ? report(logFile, "XML log", Deno.cwd()) : undefined,
    events: given.events === undefined
      ? undefined
      : report(given.events, "file of events"),
  };
  refuseSharedFiles([
    ["the JUnit report", reports.junitXml],
    ["the HTML report", reports.html],
    ["the XML log", reports.xmlLog],
    ["the file of events", reports.events],
    ...[...machines, ...containers].map(({ name }) =>
      [
        `the console of ${name}`,
        `${outDir}/${fileName(name)}.log`,
      ] as const
    ),
  ]);
  const sshBackdoor = given.sshBackdoor ?? file.sshBackdoor ?? false;
  return {
    ...common,
    machines,
    containers,
    vlans,
    outDir,
    globalTimeout: timeoutOf(given, file, environment),
    seed: seedOf(given),
    forkMemory: forkMemoryOf(given),
    capture: captureOf(given),
    keepState: given.keepState ?? false,
    interactive: given.interactive ?? false,
    watch: given.watch ?? false,
    keepMachines: given.keepMachines ?? false,
    check: given.check ?? true,
    dumpMemory: given.dumpMemory ?? false,
    keepGoing: given.keepGoing ?? false,
    stopOnFailure: stopsOnFailure(given),
    ...reports,
    sshBackdoor,
    vhostVsock: sshBackdoor && given.config !== undefined &&
      given.dumpVsocks === undefined,
    dumpVsocks: dumpVsocksOf(given),
    debugHookAttach: given.debugHookAttach,
  };
}

function forkMemoryOf({ forkMemory }: OptionValues): number | undefined {
  if (forkMemory === undefined) return undefined;
  const mebibytes = Number(forkMemory);
  if (/^\d+$/.test(forkMemory) && mebibytes > 0) return mebibytes * 2 ** 20;
  throw new UsageError(
    `--fork-memory expects a number of MiB from 1 up, got ${
      JSON.stringify(forkMemory)
    }`,
  );
}

function seedOf({ seed }: OptionValues): number | undefined {
  if (seed === undefined) return undefined;
  const number = Number(seed);
  if (/^\d+$/.test(seed) && Number.isSafeInteger(number)) return number;
  throw new UsageError(
    `--seed expects a whole number from 0 up, got ${JSON.stringify(seed)}`,
  );
}

function captureOf({ capture }: OptionValues): CaptureMode | undefined {
  if (
    capture === undefined || capture === "always" || capture === "failed"
  ) return capture;
  throw new UsageError(
    `--capture expects always or failed, got ${JSON.stringify(capture)}`,
  );
}

function stopsOnFailure({ onFailure }: OptionValues): boolean {
  if (onFailure === undefined || onFailure === "shell") {
    return onFailure === "shell";
  }
  throw new UsageError(
    `--on-failure expects shell, got ${JSON.stringify(onFailure)}`,
  );
}

/** Reads the configuration file of either kind, if there is one. */
function fileOf(given: OptionValues, environment: Environment): ConfigFile {
  const { config } = given;
  if (config !== undefined && given.machineConfig !== undefined) {
    throw new UsageError(
      `two configuration files: ${config} and ${given.machineConfig}`,
    );
  }
  const what = "configuration file";
  if (config !== undefined) {
    return parseConfigFile(readText(config, what), config);
  }
  const machineConfig = given.machineConfig ??
    (environment.get(options.machineConfig.environment) || undefined);
  return machineConfig === undefined
    ? { warnings: [] }
    : parseMachineConfig(readText(machineConfig, what), machineConfig);
}

const nothing = {
  language: "typescript",
  machines: [],
  containers: [],
  vlans: [],
  outDir: ".",
  keepState: false,
  interactive: false,
  watch: false,
  keepMachines: false,
  check: true,
  lint: true,
  dumpMemory: false,
  keepGoing: false,
  stopOnFailure: false,
  sshBackdoor: false,
  vhostVsock: false,
  logLevel: "info",
} as const;

function commandOf(given: OptionValues, words: string[]): Command | "eval" {
  if (given.help) return "help";
  if (given.version) return "version";
  if (!commands.includes(words[0])) return "run";
  return words[0] === "eval-file" ? "eval" : words[0] as Command;
}

function scriptOf(
  command: Command,
  given: OptionValues,
  words: readonly string[],
  file: ConfigFile,
  environment: Environment,
): ScriptSource | undefined {
  const { language } = given;
  if (
    language !== undefined && language !== "typescript" && language !== "python"
  ) {
    throw new UsageError(
      `--language expects typescript or python, got ${
        JSON.stringify(language)
      }`,
    );
  }
  const rest = command === "run" ? words : words.slice(1);
  const most = command === "types" ? 0 : 1;
  if (rest.length > most) {
    throw new UsageError(
      `unexpected argument ${JSON.stringify(rest[most])}` +
        (most === 0 ? "" : ` after ${JSON.stringify(rest[0])}`),
    );
  }
  if (command === "types") return;
  if (command !== "run" && rest.length === 0 && words[0] !== "check") {
    throw new UsageError(
      words[0] === "eval"
        ? "eval expects code to run"
        : "eval-file expects a file to run",
    );
  }
  if (words[0] === "eval" && command === "eval") {
    return { code: rest[0], language: language ?? "typescript" };
  }
  if (rest.length > 0 && given.testScript !== undefined) {
    throw new UsageError(
      `two test scripts: ${given.testScript} and ${rest[0]}`,
    );
  }
  const path = rest[0] ?? given.testScript ?? file.testScript ??
    (environment.get(options.testScript.environment) || undefined);
  if (path === undefined) {
    if (command === "check") throw new UsageError("check expects a script");
    return;
  }
  requireFile(path, "test script");
  return { path, language: language ?? languageOf(path) };
}

function refuseMachines(given: OptionValues): void {
  for (
    const key of ["startScripts", "vlans", "config", "machineConfig"] as const
  ) {
    if (given[key] === undefined) continue;
    throw new UsageError(
      `eval runs code that makes its own driver, and takes no ${
        options[key].names[0]
      }`,
    );
  }
}

/**
 * The named machines; nothing if no option names any. An empty list is valid: a
 * test may make its own machines. An option without a word after it is a
 * mistake.
 */
function machinesOf(
  given: readonly string[] | undefined,
  file: MachineConfiguration[] | undefined,
  environment: string[] | undefined,
): MachineConfiguration[] | undefined {
  if (given === undefined && file !== undefined) return file;
  if (given?.length === 0) return;
  return (given ?? environment)?.map((startCommand) => {
    try {
      return { name: nameOf(startCommand).name, startCommand };
    } catch (error) {
      throw new UsageError((error as Error).message);
    }
  });
}

function refuseDoubles(machines: readonly MachineConfiguration[]): void {
  const seen = new Map<string, string>();
  for (const { name, startCommand } of machines) {
    const other = seen.get(name);
    if (other !== undefined) {
      throw new UsageError(
        `two machines are named ${
          JSON.stringify(name)
        }: ${other} and ${startCommand}`,
      );
    }
    seen.set(name, startCommand);
  }
}

function refuseSharedFiles(
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

function vlansOf(
  given: readonly string[] | undefined,
  file: readonly number[] | undefined,
  environment: readonly string[] | undefined,
): number[] {
  const numbers = (words: readonly string[], where: string, advice = "") =>
    words.map((word) => {
      const number = Number(word);
      if (/^\d+$/.test(word) && Number.isSafeInteger(number)) return number;
      throw new UsageError(
        `${where} expects numbers from 0 up, got ${JSON.stringify(word)}` +
          (/\d/.test(word) ? "" : advice),
      );
    });
  const vlans = given !== undefined
    ? numbers(given, "--vlans", "; if that is the test script, name it first")
    : file ?? numbers(environment ?? [], "the environment variable vlans");
  return [...new Set(vlans)];
}

function timeoutOf(
  given: OptionValues,
  file: ConfigFile,
  environment: Environment,
): number | undefined {
  const seconds = (word: string, where: string) => {
    const number = Number(word);
    if (word.trim() !== "" && number > 0 && number <= longestTimeout) {
      return number;
    }
    throw new UsageError(
      `${where} expects seconds, more than 0 and at most ${longestTimeout}, got ${
        JSON.stringify(word)
      }`,
    );
  };
  if (given.globalTimeout !== undefined) {
    return seconds(given.globalTimeout, "--global-timeout");
  }
  if (file.globalTimeout !== undefined) {
    return seconds(
      String(file.globalTimeout),
      `${given.config}: $.global_timeout`,
    );
  }
  const word = environment.get(options.globalTimeout.environment);
  return word
    ? seconds(word, "the environment variable globalTimeout")
    : undefined;
}

function logLevelOf(given: OptionValues, environment: Environment): LogLevel {
  const where = given.logLevel === undefined
    ? `the environment variable ${options.logLevel.environment}`
    : "--log-level";
  const word = given.logLevel ??
    (environment.get(options.logLevel.environment) || "info");
  const level = word.toLowerCase();
  if (logLevels.includes(level)) return level as LogLevel;
  throw new UsageError(
    `${where} expects debug, info, warning or error, got ${
      JSON.stringify(word)
    }`,
  );
}

function consoleOf(
  given: OptionValues,
  environment: Environment,
): ConsoleDisplay | undefined {
  if (given.console === false) return "quiet";
  const { environment: variable } = options.console;
  const word = given.console ?? (environment.get(variable) || undefined);
  if (word === undefined) return;
  if (word === "live" || word === "quiet" || word === "failed") return word;
  const where = given.console === undefined
    ? `the environment variable ${variable}`
    : "--console";
  throw new UsageError(
    `${where} expects live, quiet or failed, got ${JSON.stringify(word)}`,
  );
}

function dumpVsocksOf({ dumpVsocks }: OptionValues): number | undefined {
  if (dumpVsocks === undefined) return;
  if (/^\d+$/.test(dumpVsocks)) return Number(dumpVsocks);
  throw new UsageError(
    `--dump-vsocks expects a number from 0 up, got ${
      JSON.stringify(dumpVsocks)
    }`,
  );
}

function requireFile(path: string, what: string): void {
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
 * Checks that a start script exists and is executable. The shell checks a
 * command line.
 */
function requireStartCommand({ startCommand }: MachineConfiguration): void {
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
}

function requirePython(
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
function requireDirectory(path: string, what: string): boolean {
  const named = JSON.stringify(path);
  const [at, info] = lowestThere(path === "" ? "." : path);
  const isThere = at === path || path === "";
  if (info === undefined) {
    throw new UsageError(`${what} ${named} can not be made`);
  }
  if (!info.isDirectory) {
    throw new UsageError(
      isThere
        ? `${what} ${named} is not a directory`
        : `${what} ${named} can not be made: ${at} is not a directory`,
    );
  }
  try {
    Deno.removeSync(Deno.makeTempFileSync({ dir: at, prefix: ".vmwright-" }));
  } catch {
    throw new UsageError(
      isThere
        ? `${what} ${named} is not writable`
        : `${what} ${named} can not be made: ${at} is not writable`,
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

function requireWritableFile(path: string, what: string): void {
  const complaint = () => new UsageError(`${what} can not be written`);
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

function readText(path: string, what: string): string {
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
      : `${what} ${JSON.stringify(path)} can not be read: ${
        (error as Error).message.replace(/ \(os error .*$/s, "")
      }`,
  );
}
