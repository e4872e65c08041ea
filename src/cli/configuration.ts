import { nameOf } from "../driver/machine_name.ts";
import { UsageError } from "../errors.ts";
import { fileName, requireShortName } from "../machine/file_name.ts";
import { absolute } from "../paths.ts";
import type { RunSettings, ScriptSource } from "../run/plan.ts";
import type { Language } from "../script/language.ts";
import { languageOf } from "../script/language.ts";
import { type OptionValues, parseArguments } from "./arguments.ts";
import {
  type ConfigFile,
  type MachineConfiguration,
  parseConfigFile,
} from "./config_file.ts";
import type { Environment } from "./environment.ts";
import { isNamedAsScript } from "./list_ends.ts";
import { parseMachineConfig } from "./machine_config.ts";
import {
  captureOf,
  consoleOf,
  dumpVsocksOf,
  forkMemoryOf,
  logLevelOf,
  screenshotsOf,
  seedOf,
  stopsOnFailure,
  timeoutOf,
  vlansOf,
} from "./option_values.ts";
import { options } from "./options.ts";
import {
  isDirectory,
  readText,
  refuseSharedFiles,
  requireDirectory,
  requireFile,
  requirePython,
  requireStartCommand,
  requireWritableFile,
} from "./required_files.ts";

import {
  refuseOthers,
  type SuiteConfiguration,
  suiteOf,
} from "./suite_configuration.ts";

export type { MachineConfiguration } from "./config_file.ts";

/** The action. */
export type Command =
  | "run"
  | "eval"
  | "check"
  | "types"
  | "report"
  | "snapshots"
  | "test"
  | "help"
  | "version";

/**
 * The settings from the command line, the environment and the configuration
 * file. All paths of reports but that of the XML log are absolute.
 */
export interface Configuration extends RunSettings {
  /** The action. */
  readonly command: Command;
  /** The virtual machines, whose names differ. */
  readonly machines: readonly MachineConfiguration[];
  /** Containers of the configuration file. */
  readonly containers: readonly MachineConfiguration[];
  /** What `vmwright snapshots` removes: names, or all where there are none. */
  readonly removed?: readonly string[];
  /** Whether `vmwright check` looks for promises without an `await`. */
  readonly lint: boolean;
  /** Files of events to make a page of. */
  readonly eventFiles?: readonly string[];
  /** Directories of the results of a suite's parts, in place of those files. */
  readonly suiteParts?: readonly string[];
  /** The file of a suite's history. */
  readonly history?: string;
  /** Whether a flaky test of a suite is a failure. */
  readonly failOnFlaky?: boolean;
  /** What `vmwright test` runs. */
  readonly suite?: SuiteConfiguration;
}

const commands: readonly string[] = [
  "eval",
  "eval-file",
  "check",
  "types",
  "report",
  "snapshots",
  "test",
];

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
  refuseOthers(given, command);
  switch (command) {
    case "help":
    case "version":
      return { ...nothing, command, warnings: [] };
    case "report": {
      const report = reportOf(given, words.slice(1));
      return { ...nothing, command, warnings: [], ...report };
    }
    case "test":
      return {
        ...nothing,
        command,
        warnings: [],
        suite: suiteOf(given, words),
      };
    case "snapshots":
      return {
        ...nothing,
        command,
        warnings: [],
        removed: removedOf(words),
      };
  }
  const file: ConfigFile = command === "eval"
    ? { warnings: [] }
    : fileOf(given, environment);
  const script = scriptOf(command, given, words, file, environment);
  const parts = partsOf(command, given, file, environment);
  const common = {
    ...nothing,
    command,
    script,
    language: script?.language ?? given.language as Language ?? "typescript",
    warnings: file.warnings,
    logLevel: logLevelOf(given, environment),
    console: consoleOf(given, environment),
    machines: parts.machines ?? [],
    containers: parts.containers ?? [],
    vlans: parts.vlans,
  };
  if (command === "check" || command === "types") {
    const check = given.check ?? true, lint = given.lint ?? true;
    return { ...common, check, lint };
  }

  requireRunnable(given, parts, script);
  if (common.language === "python") requirePython(script, environment);
  const outDir = absolute(given.outputDir ?? ".");
  const reports = reportsOf(given, outDir, environment, [
    ...common.machines,
    ...common.containers,
  ]);
  const sshBackdoor = given.sshBackdoor ?? file.sshBackdoor ?? false;
  return {
    ...common,
    outDir,
    globalTimeout: timeoutOf(given, file, environment),
    seed: seedOf(given),
    forkMemory: forkMemoryOf(given),
    fresh: given.fresh ?? false,
    capture: captureOf(given),
    keepState: given.keepState ?? false,
    interactive: given.interactive ?? false,
    watch: given.watch ?? false,
    keepMachines: given.keepMachines ?? false,
    check: given.check ?? true,
    dumpMemory: given.dumpMemory ?? false,
    screenshots: screenshotsOf(given),
    video: given.video ?? false,
    keepGoing: given.keepGoing ?? false,
    stopOnFailure: stopsOnFailure(given),
    ...reports,
    reportServer: given.reportServer ?? false,
    sshBackdoor,
    vhostVsock: sshBackdoor && given.config !== undefined &&
      given.dumpVsocks === undefined,
    dumpVsocks: dumpVsocksOf(given),
    debugHookAttach: given.debugHookAttach,
  };
}

/** The machines and networks of a run; a list is absent if nothing names it. */
interface Parts {
  readonly machines?: MachineConfiguration[];
  readonly containers?: MachineConfiguration[];
  readonly vlans: number[];
}

/** The machines and networks. Code of `eval` makes its own. */
function partsOf(
  command: Command,
  given: OptionValues,
  file: ConfigFile,
  environment: Environment,
): Parts {
  if (command === "eval") {
    refuseMachines(given);
    return { machines: [], containers: [], vlans: [] };
  }
  const fromEnvironment = (key: "startScripts" | "vlans") =>
    environment.get(options[key].environment)?.split(/\s+/).filter((w) => w);
  const machines = machinesOf(
    given.startScripts,
    file.machines,
    fromEnvironment("startScripts"),
  );
  const { containers } = file;
  refuseDoubles([...machines ?? [], ...containers ?? []]);
  const vlans = vlansOf(given.vlans, file.vlans, fromEnvironment("vlans"));
  return { machines, containers, vlans };
}

/**
 * Makes sure that there is something to run, and files to run it from.
 *
 * @throws {UsageError} if not.
 */
function requireRunnable(
  given: OptionValues,
  { machines, containers }: Parts,
  script: ScriptSource | undefined,
): void {
  if (machines === undefined && containers === undefined) {
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
    throw new UsageError("--keep-machines needs --watch");
  }
  for (const machine of [...machines ?? [], ...containers ?? []]) {
    requireShortName(machine.name);
    requireStartCommand(machine);
  }
}

/**
 * Takes a report's path below the output directory, after a check that its file
 * can be written.
 */
type PlaceReport = (path: string, what: string, base?: string) => string;

function reportsBelow(outDir: string, given: OptionValues): PlaceReport {
  const isThere = requireDirectory(given.outputDir ?? ".", "output directory");
  return (path, what, base = outDir) => {
    const whole = absolute(path, base);
    // In a directory that does not exist yet, nothing is in the way.
    const isNew = !isThere && whole === `${outDir}/${path}` &&
      !path.includes("/");
    if (!isNew) requireWritableFile(whole, `${what} ${JSON.stringify(path)}`);
    return whole;
  };
}

/** The reports, after a check that all files of the run can be written. */
function reportsOf(
  given: OptionValues,
  outDir: string,
  environment: Environment,
  machines: readonly MachineConfiguration[],
): Pick<RunSettings, "junitXml" | "html" | "xmlLog" | "events"> {
  const report = reportsBelow(outDir, given);
  for (const { name } of machines) {
    report(`${fileName(name)}.log`, "console log");
  }
  const logFile = environment.get("LOGFILE");
  const named = (key: "junitXml" | "events") =>
    given[key] ?? (environment.get(options[key].environment) || undefined);
  const junitXml = named("junitXml"), events = named("events");
  const reports = {
    junitXml: junitXml === undefined
      ? undefined
      : report(junitXml, "JUnit report"),
    html: given.html === false
      ? undefined
      : report(given.html ?? "report.html", "HTML report"),
    xmlLog: logFile ? report(logFile, "XML log", Deno.cwd()) : undefined,
    events: events === undefined ? undefined : report(events, "file of events"),
  };
  refuseSharedFiles([
    ["the JUnit report", reports.junitXml],
    ["the HTML report", reports.html],
    ["the XML log", reports.xmlLog],
    ["the file of events", reports.events],
    ...machines.map(({ name }) =>
      [
        `the console of ${name}`,
        `${outDir}/${fileName(name)}.log`,
      ] as const
    ),
  ]);
  return reports;
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
  screenshots: "failed",
  video: false,
  keepGoing: false,
  stopOnFailure: false,
  sshBackdoor: false,
  vhostVsock: false,
  logLevel: "info",
} as const;

/** What `vmwright snapshots` removes, if anything. */
function removedOf(words: readonly string[]): string[] | undefined {
  const [, verb, ...names] = words;
  if (verb === undefined) return undefined;
  if (verb === "remove") return names;
  throw new UsageError(
    `snapshots expects no argument, or "remove" and names of snapshots, got ${verb}`,
  );
}

function commandOf(given: OptionValues, words: string[]): Command {
  if (given.help) return "help";
  if (given.version) return "version";
  if (!commands.includes(words[0])) return "run";
  return words[0] === "eval-file" ? "eval" : words[0] as Command;
}

/** What `vmwright report` reads and writes. */
function reportOf(
  given: OptionValues,
  words: readonly string[],
): Partial<Configuration> {
  if (words.length === 0) {
    throw new UsageError(
      "report expects files that --events wrote, or directories with a suite's results",
    );
  }
  const outDir = absolute(given.outputDir ?? ".");
  const page = given.html || "report.html";
  const directories = words.filter(isDirectory);
  if (directories.length === 0) {
    const html = reportsBelow(outDir, given)(page, "HTML report");
    return { eventFiles: words, outDir, html };
  }
  if (directories.length < words.length) {
    throw new UsageError(
      `report expects files of events alone, or directories alone, got ${
        JSON.stringify(words.find((word) => !isDirectory(word)))
      } and the directory ${JSON.stringify(directories[0])}`,
    );
  }
  return {
    suiteParts: words,
    outDir,
    html: absolute(page, outDir),
    junitXml: given.junitXml && absolute(given.junitXml, outDir),
    history: given.history && absolute(given.history),
    failOnFlaky: given.failOnFlaky,
  };
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
