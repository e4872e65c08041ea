import { absolute } from "../paths.ts";
import type {
  BackendOf,
  CaptureMode,
  Driver,
  MachineConfiguration,
} from "../driver/mod.ts";
import type {
  ConsoleDisplay,
  Listener,
  LogLevel,
  Verdict,
} from "../report/mod.ts";
import { UsageError } from "../errors.ts";
import { languageOf } from "../script/language.ts";
import type { Plan } from "./plan.ts";

/** What {@linkcode runTest} takes. */
export interface TestOptions<
  Given extends string | MachineConfiguration = string | MachineConfiguration,
> {
  /**
   * The test: a function that gets the driver, or the path of a test script in
   * TypeScript, JavaScript or Python.
   */
  test: ((driver: Driver<BackendOf<Given>>) => void | Promise<void>) | string;
  /** What to call the test in reports. Default: the script's path, or the main module's. */
  name?: string;
  /** The machines, as configurations or as start scripts. Default: none. */
  machines?: readonly Given[];
  /** Numbers of networks. Default: none. */
  vlans?: readonly number[];
  /**
   * Where reports, console logs, screenshots and copied files go, made where it
   * is missing. Default: the working directory.
   */
  outDir?: string;
  /** Seconds that the test may take. Default: no limit. */
  globalTimeout?: number;
  /**
   * What decides about what happens at random to links, a number from 0 up.
   * Default: a new one, which the log says.
   */
  seed?: number;
  /**
   * Whether all frames of each network are kept as `vlan<number>.pcapng`:
   * `always`, or where the test does not pass (`failed`). Default: no.
   */
  capture?: CaptureMode;
  /** Whether the machines' state directories outlive the run. Default: no. */
  keepState?: boolean;
  /**
   * Whether each guest's memory is written to a file where the test fails.
   * Default: no.
   */
  dumpMemory?: boolean;
  /**
   * `"shell"`: where the test fails, it stops with a prompt, if there is a
   * terminal, before the machines end. Default: it does not.
   */
  onFailure?: "shell";
  /** Path of a JUnit report, relative to `outDir`. Default: none is written. */
  junitXml?: string;
  /** Path of the page, relative to `outDir`; `false`: none. Default: `"report.html"`. */
  html?: string | false;
  /** Path of the XML log, relative to `outDir`. Default: none is written. */
  xmlLog?: string;
  /** Path of the file of events, relative to `outDir`. Default: none is written. */
  events?: string;
  /** The lowest level of messages to show. Default: `"info"`. */
  logLevel?: LogLevel;
  /** When the terminal shows the machines' consoles. Default: `"live"`. */
  console?: ConsoleDisplay;
  /** More who are told of everything that happens. Default: none. */
  listeners?: readonly Listener[];
  /** Whether the types of a script are checked. Default: yes, where `deno` is. */
  check?: boolean;
  /** Whether to run again whenever the script changes, until the signal. Default: no. */
  watch?: boolean;
  /** With `watch`: whether to go on with the machines as they are. Default: no. */
  keepMachines?: boolean;
  /** Ends the run in order, with its reason, as Ctrl-C does. */
  signal?: AbortSignal;
}

/** How a test ended. */
export interface TestResult {
  /** In words. */
  readonly verdict: Verdict;
  /** As an exit status: that which the command line would end with. */
  readonly exitCode: number;
  /** What ended it, unless it passed. */
  readonly error?: unknown;
}

/**
 * Runs a test as the command line does: with a terminal's log, reports, consoles
 * and pictures of the screens where it fails, an explanation of the failure, a
 * limit of time, and an orderly end on Ctrl-C, SIGTERM and SIGHUP. Errors that
 * nobody catches and calls of `Deno.exit` end the test, not the process.
 *
 * @example
 * ```ts
 * import { runTest } from "./mod.ts";
 *
 * const { exitCode } = await runTest({
 *   machines: ["./run-web-vm"],
 *   outDir: "out",
 *   junitXml: "junit.xml",
 *   async test({ machines: [web] }) {
 *     await web.waitForOpenPort(80);
 *     await web.succeed("curl -sf http://localhost/");
 *   },
 * });
 * Deno.exit(exitCode);
 * ```
 *
 * @param options What to run, and how.
 * @returns How it ended; a test that fails is no exception.
 * @throws {UsageError} The options are wrong, and nothing was started.
 */
export async function runTest<
  const Given extends string | MachineConfiguration = string,
>(options: TestOptions<Given>): Promise<TestResult> {
  const { run } = await import("./run.ts");
  return await run(planOf(options), options.signal);
}

function planOf(options: TestOptions): Plan {
  const { test, outDir = ".", watch = false, keepMachines = false } = options;
  const isScript = typeof test === "string";
  if (watch && !isScript) {
    throw new UsageError("Expected the path of a test script to watch");
  }
  if (keepMachines && !watch) {
    throw new UsageError("Expected keepMachines to go with watch");
  }
  const directory = absolute(outDir);
  const report = (path: string | undefined) =>
    path === undefined ? undefined : absolute(path, directory);
  const { html = "report.html" } = options;
  const language = isScript ? languageOf(test) : "typescript";
  return {
    name: options.name,
    machines: options.machines ?? [],
    vlans: options.vlans ?? [],
    script: isScript ? { path: test, language } : undefined,
    test: isScript ? undefined : async (driver) => await test(driver),
    language,
    outDir: directory,
    globalTimeout: options.globalTimeout,
    seed: options.seed,
    capture: options.capture,
    keepState: options.keepState ?? false,
    interactive: false,
    watch,
    keepMachines,
    check: options.check ?? true,
    dumpMemory: options.dumpMemory ?? false,
    stopOnFailure: options.onFailure === "shell",
    junitXml: report(options.junitXml),
    html: html === false ? undefined : report(html),
    xmlLog: report(options.xmlLog),
    events: report(options.events),
    logLevel: options.logLevel ?? "info",
    console: options.console ?? "live",
    listeners: options.listeners,
    sshBackdoor: false,
    vhostVsock: false,
    warnings: [],
  };
}
