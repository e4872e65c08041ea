import { absolute } from "../paths.ts";
import type { BackendOf, Driver, MachineConfiguration } from "../driver/mod.ts";
import type { Listener, LogLevel, Verdict } from "../report/mod.ts";
import { UsageError } from "../errors.ts";
import { languageOf } from "../script/language.ts";
import type { Plan } from "./plan.ts";
import { parseScreenshotMode } from "./screenshot_mode.ts";

/** Options of {@linkcode runTest}. */
export interface TestOptions<
  Given extends string | MachineConfiguration = string | MachineConfiguration,
> {
  /**
   * The test: a function that gets the driver, or the path of a test script in
   * TypeScript, JavaScript or Python.
   */
  test: ((driver: Driver<BackendOf<Given>>) => void | Promise<void>) | string;
  /**
   * The test's name in reports; the script's path, or that of the main module,
   * if nothing is given.
   */
  name?: string;
  /**
   * The machines, as configurations or as start scripts.
   *
   * @default {[]}
   */
  machines?: readonly Given[];
  /**
   * The numbers of the networks.
   *
   * @default {[]}
   */
  vlans?: readonly number[];
  /**
   * The directory for reports, console logs, screenshots and copied files,
   * which is made if it is missing.
   *
   * @default {"."}
   */
  outDir?: string;
  /** Seconds that the test may take; no limit if nothing is given. */
  globalTimeout?: number;
  /**
   * The seed of random decisions about links, a number from 0 up; if nothing is
   * given, a new one, which the log shows.
   */
  seed?: number;
  /**
   * Bytes of memory for the guests of all forks of subtests at a time; the free
   * memory, less a reserve, if nothing is given.
   */
  forkMemory?: number;
  /**
   * Whether to take snapshots again that earlier runs have kept.
   *
   * @default {false}
   */
  fresh?: boolean;
  /**
   * Whether to keep all frames of each network as `vlan<number>.pcapng`:
   * `always`, or if the test does not pass (`failed`); never, if nothing is
   * given.
   */
  capture?: "always" | "failed";
  /**
   * Whether the machines' state directories outlive the run.
   *
   * @default {false}
   */
  keepState?: boolean;
  /**
   * Whether to write each guest's memory to a file if the test fails.
   *
   * @default {false}
   */
  dumpMemory?: boolean;
  /**
   * When to keep pictures of the screens that show something new: if the test
   * fails, after each step, or at an interval in seconds.
   *
   * @default {"failed"}
   */
  screenshots?: "failed" | "steps" | `interval:${number}s`;
  /**
   * Whether to make a WebM video of each screen, with `ffmpeg`.
   *
   * @default {false}
   */
  video?: boolean;
  /**
   * Whether to go on with the next subtest after one that failed, and to report
   * all failures at the end.
   *
   * @default {false}
   */
  keepGoing?: boolean;
  /**
   * `"shell"`: if the test fails and there is a terminal, the test stops with a
   * prompt before the machines end.
   */
  onFailure?: "shell";
  /**
   * The path of a JUnit report, relative to `outDir`; none is written if
   * nothing is given.
   */
  junitXml?: string;
  /**
   * The path of the page, relative to `outDir`; `false`: none.
   *
   * @default {"report.html"}
   */
  html?: string | false;
  /**
   * The path of the XML log, relative to `outDir`; none is written if nothing
   * is given.
   */
  xmlLog?: string;
  /**
   * The path of the file of events, relative to `outDir`; none is written if
   * nothing is given.
   */
  events?: string;
  /**
   * Whether a browser on this host can watch the run; the log shows the
   * address.
   *
   * @default {false}
   */
  reportServer?: boolean;
  /**
   * The lowest level of messages to show.
   *
   * @default {"info"}
   */
  logLevel?: LogLevel;
  /**
   * When the terminal shows the machines' consoles:
   * by default `"quiet"` if standard error is a terminal, else `"live"`.
   */
  console?: "live" | "quiet" | "failed";
  /**
   * More listeners, which get all events.
   *
   * @default {[]}
   */
  listeners?: readonly Listener[];
  /**
   * Whether to check the types of a script, if there is a `deno`.
   *
   * @default {true}
   */
  check?: boolean;
  /**
   * Whether to run again whenever the script changes, until the signal is
   * aborted.
   *
   * @default {false}
   */
  watch?: boolean;
  /**
   * With `watch`: whether the machines stay as they are between runs.
   *
   * @default {false}
   */
  keepMachines?: boolean;
  /** Ends the run in order, as Ctrl-C does, with the signal's reason. */
  signal?: AbortSignal;
}

/** How a test ended. */
export interface TestResult {
  /** The verdict. */
  readonly verdict: Verdict;
  /** The exit status that the command line would have. */
  readonly exitCode: number;
  /** The error that ended the test, unless it passed. */
  readonly error?: unknown;
}

/**
 * Runs a test as the command line does: with a log on the terminal, reports,
 * consoles, pictures of the screens and an explanation if it fails, a time
 * limit, and an orderly end on Ctrl-C, SIGTERM and SIGHUP. Uncaught errors and
 * calls of `Deno.exit` end the test, not the process.
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
 * @returns The result. A test that fails is no exception.
 * @throws {UsageError} if the options are wrong. Nothing was started then.
 */
export async function runTest<
  const Given extends string | MachineConfiguration = string,
>(options: TestOptions<Given>): Promise<TestResult> {
  const { run } = await import("./run.ts");
  return await run(planOf(options), options.signal);
}

function screenshotsOf({ screenshots = "failed" }: TestOptions) {
  const mode = parseScreenshotMode(screenshots);
  if (mode !== undefined) return mode;
  throw new UsageError(
    `Expected screenshots to be "failed", "steps" or "interval:2s", got ${
      Deno.inspect(screenshots)
    }`,
  );
}

function planOf(options: TestOptions): Plan {
  const { test, outDir = ".", watch = false, keepMachines = false } = options;
  const isScript = typeof test === "string";
  if (watch && !isScript) {
    throw new UsageError("Expected the path of a test script to watch");
  }
  if (keepMachines && !watch) {
    throw new UsageError("Expected the option watch beside keepMachines");
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
    forkMemory: options.forkMemory,
    fresh: options.fresh,
    capture: options.capture,
    keepState: options.keepState ?? false,
    interactive: false,
    watch,
    keepMachines,
    check: options.check ?? true,
    dumpMemory: options.dumpMemory ?? false,
    screenshots: screenshotsOf(options),
    video: options.video ?? false,
    keepGoing: options.keepGoing ?? false,
    stopOnFailure: options.onFailure === "shell",
    junitXml: report(options.junitXml),
    html: html === false ? undefined : report(html),
    xmlLog: report(options.xmlLog),
    events: report(options.events),
    reportServer: options.reportServer ?? false,
    logLevel: options.logLevel ?? "info",
    console: options.console,
    listeners: options.listeners,
    sshBackdoor: false,
    vhostVsock: false,
    warnings: [],
  };
}
