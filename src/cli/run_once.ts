import { Driver } from "../driver/mod.ts";
import { type Log, UsageError } from "../report/mod.ts";
import {
  Debugger,
  prepareScript,
  type RunOptions,
  runScript,
  Script,
  ScriptExit,
  StepTrail,
  Uncaught,
} from "../script/mod.ts";
import type { Configuration } from "./configuration.ts";
import type { Emergency } from "./emergency.ts";
import { takeLastScreenshots } from "./last_screenshots.ts";
import { rejection } from "./rejection.ts";
import { openLog } from "./reports.ts";
import { withNames } from "./script_names.ts";
import { canCheck, checkBeside } from "./type_check.ts";
import { explain, isFailure, judge } from "./verdict.ts";
import type { Watchdog } from "./watchdog.ts";

/** Options of {@linkcode runOnce}. */
export interface RunOnceOptions extends RunOptions {
  /** Ends the run. */
  signal: AbortSignal;
  /** Is told what to do in an emergency. */
  emergency: Emergency;
  /** Is told of the time that the script has. */
  watchdog?: Watchdog;
  /** Does with the driver what it was made for. Default: runs the script. */
  use?: (driver: Driver, script: Script, trail: StepTrail) => Promise<void>;
}

/**
 * Runs the test once, from the first machine's start to the last report.
 *
 * @param configuration What to run.
 * @param options How to run it.
 * @returns The exit status.
 * @throws {UsageError} There was nothing that could be started.
 */
export async function runOnce(
  configuration: Configuration,
  options: RunOnceOptions,
): Promise<number> {
  const { signal, emergency, watchdog } = options;
  const log = openLog(configuration);
  const trail = new StepTrail();
  log.addListener(trail);
  emergency.add(() => log.flush());
  for (const warning of configuration.warnings) log.warning(warning);
  const script = configuration.script && new Script(configuration.script);
  const { interactive } = configuration;
  using uncaught = new Uncaught((error) => {
    if (interactive && error instanceof ScriptExit) return;
    const when = interactive ? "nobody caught" : "after the end of the script";
    log.warning(`${when}: ${messageOf(error)}`);
  });
  // At a prompt, one can look at what went wrong, and go on.
  if (interactive) uncaught.scriptEnded();
  const ends = [uncaught.failure, rejection(signal)];
  await using _prepared = script && !configuration.interactive
    ? await prepareScript(script)
    : undefined;

  let driver: Driver | undefined;
  let failure: unknown;
  let steps: string[] = [];
  try {
    if (configuration.command === "eval") {
      const { evaluate } = await import("./evaluate.ts");
      using _deadline = watchdog?.deadline(configuration.globalTimeout);
      await Promise.race([
        ...ends,
        evaluate(script!, configuration, log, emergency),
      ]);
    } else {
      driver = await create(configuration, log, script, options, signal);
      emergency.add(() => driver?.killNow());
      const used = options.use?.(driver, script!, trail) ??
        use(driver, configuration, script, watchdog);
      await Promise.race([...ends, used]);
    }
  } catch (error) {
    failure = signal.aborted ? signal.reason : error;
    steps = trail.of(failure);
  }
  uncaught.scriptEnded();
  const judgement = judge(failure);
  const { verdict, exitCode } = judgement;
  if (driver !== undefined && isFailure(judgement)) {
    await takeLastScreenshots(driver);
  }
  if (failure !== undefined) driver?.abort(failure);
  try {
    await driver?.[Symbol.asyncDispose]();
  } catch (error) {
    log.error(`clean-up failed: ${messageOf(error)}`);
  }
  if (failure instanceof NothingStarted) {
    await log.close();
    throw failure.cause;
  }

  if (verdict === "passed") {
    if (!interactive) {
      log.info(`test passed in ${log.time.toFixed(2)} seconds`);
    }
    log.runEnded(verdict);
  } else {
    const detail = explain(failure, steps, configuration, script);
    log.runEnded(verdict, failure, detail);
  }
  await log.close();
  emergency.clear();
  return exitCode;
}

/** The driver could not be made, by the user's fault. */
class NothingStarted extends Error {
  constructor(override readonly cause: UsageError) {
    super(cause.message);
  }
}

async function create(
  configuration: Configuration,
  log: Log,
  script: Script | undefined,
  options: RunOptions,
  signal: AbortSignal,
): Promise<Driver> {
  const { machines, containers, vlans, outDir, keepState } = configuration;
  try {
    const debug = new Debugger({ attach: configuration.debugHookAttach });
    return debug.driver = await Driver.create({
      debug,
      machines: [
        ...machines,
        ...containers.map((one) => ({ ...one, container: true })),
      ],
      vlans: [...vlans],
      outDir,
      keepState,
      globalTimeout: configuration.globalTimeout,
      sshBackdoor: configuration.vhostVsock,
      log,
      signal,
      testScript: script &&
        ((driver) =>
          script.language === "python"
            ? runScript(script, { driver, context: {} }, options)
            : withNames(
              driver,
              (context) => runScript(script, { driver, context }, options),
            )),
    });
  } catch (error) {
    throw error instanceof UsageError ? new NothingStarted(error) : error;
  }
}

/** Does with the driver what it was made for. */
async function use(
  driver: Driver,
  configuration: Configuration,
  script: Script | undefined,
  watchdog: Watchdog | undefined,
): Promise<void> {
  if (configuration.sshBackdoor || configuration.dumpVsocks !== undefined) {
    // Virtual sockets 0 to 2 are taken: by the hypervisor and the host.
    const offset = configuration.dumpVsocks ?? 2;
    driver.machines.forEach((machine, i) => {
      const { name, isContainer } = machine;
      const has = isContainer || !configuration.vhostVsock ||
        driver.vhostVsock.has(name);
      if (!has) return;
      const command = machine.sshBackdoorCommand(offset + 1 + i);
      driver.log.log(`${name} is reached by: ${command}`);
    });
  }
  if (configuration.interactive) {
    const { runPrompt } = await import("../script/prompt/mod.ts");
    const { debug, signal } = driver;
    const prompt = (context: Record<string, unknown>) =>
      runPrompt({
        driver,
        context,
        language: configuration.language,
        script,
        signal,
        onBreakpoint: debug instanceof Debugger
          ? debug.breakpointInPython.bind(debug)
          : undefined,
      });
    await (configuration.language === "python"
      ? prompt({})
      : withNames(driver, prompt));
    return;
  }
  using _deadline = watchdog?.deadline(configuration.globalTimeout);
  // The machines boot while the types are checked.
  await Promise.all([
    driver.runTests(),
    script && canCheck(configuration)
      ? checkBeside(script, configuration, driver.signal).catch((error) => {
        if (!(error instanceof UsageError)) throw error;
        driver.log.warning(error.message);
      })
      : undefined,
  ]);
}

function messageOf(error: unknown): string {
  return error instanceof Error
    ? `${error.name}: ${error.message}`
    : Deno.inspect(error);
}
