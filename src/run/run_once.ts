import { delay, rejection } from "../time/mod.ts";
import { kinds } from "../backend/mod.ts";
import {
  Driver,
  type DriverOptions,
  type MachineConfiguration,
} from "../driver/mod.ts";
import { UsageError } from "../errors.ts";
import type { Log } from "../report/mod.ts";
import { keepOwnFrames } from "../report/positions.ts";
import {
  Debugger,
  forgottenAwait,
  prepareScript,
  type RunOptions,
  runScript,
  Script,
  ScriptExit,
  StepTrail,
  Uncaught,
  type UnfinishedStep,
  type WarmChecker,
  whereabouts,
} from "../script/mod.ts";
import type { Emergency } from "./emergency.ts";
import { gatherEvidence } from "./evidence.ts";
import { Findings } from "./findings.ts";
import type { Plan } from "./plan.ts";
import { openLog } from "./reports.ts";
import { readAssertions, withNames } from "./script_names.ts";
import { canCheck, checkBeside } from "./type_errors.ts";
import {
  explainAll,
  type Failure,
  isFailure,
  isNotedIn,
  judge,
  type Judgement,
  type NotedFailure,
} from "./verdict.ts";
import type { Watchdog } from "./watchdog.ts";

/** Options of {@linkcode runOnce}. */
export interface RunOnceOptions extends RunOptions {
  /** Ends the run. */
  signal: AbortSignal;
  /** Gets the actions for an emergency. */
  emergency: Emergency;
  /** Gets the script's time limit. */
  watchdog?: Watchdog;
  /** Checks types from run to run; if it is absent, each run begins anew. */
  checker?: WarmChecker;
  /** Uses the driver; if it is absent, the run runs the script. */
  use?: (test: DriverUse) => Promise<void>;
}

/** The parts of a run. */
export interface DriverUse {
  /** The machines. */
  readonly driver: Driver;
  /** The plan. */
  readonly plan: Plan;
  /** The script, if there is one. */
  readonly script: Script | undefined;
  /** The steps of the test that are under way. */
  readonly trail: StepTrail;
  /** Is told of the time that the script has. */
  readonly watchdog: Watchdog | undefined;
  /** Checks types from run to run, if there is more than one. */
  readonly checker: WarmChecker | undefined;
  /** The findings of the type checker. */
  readonly findings: Findings;
  /** The subtests that failed, where the test went on. */
  readonly noted: NotedFailure[];
}

/**
 * Runs the test once, from the first machine's start to the last report.
 *
 * @param plan What to run.
 * @param options How to run it.
 * @returns How it ended.
 * @throws {UsageError} if nothing could be started.
 */
export async function runOnce(
  plan: Plan,
  options: RunOnceOptions,
): Promise<Judgement> {
  using _frames = keepOwnFrames();
  const { signal, emergency, watchdog } = options;
  const log = openLog(plan);
  const script = plan.script && new Script(plan.script);
  tellSource(log, script);
  const { interactive, evaluate } = plan;
  if (plan.language === "typescript" && plan.test === undefined) {
    readAssertions();
  }
  // In Python, everything that a script has begun ends with the script.
  const mayForget = !interactive && script?.language !== "python";
  const trail = new StepTrail({ stacks: mayForget });
  log.addListener(trail);
  emergency.add(() => log.flush());
  for (const warning of plan.warnings) log.warning(warning);
  const over = new ScriptOver();
  let failure: Failure | undefined;
  const findings = new Findings();
  let unfinished: readonly UnfinishedStep[] = [];
  let forgotten = false;
  using uncaught = new Uncaught((error, isOwn) => {
    if (interactive && error instanceof ScriptExit) return;
    // The end of the run has ended something that nobody waits for.
    if (isOwn && unfinished.length > 0) forgotten = true;
    // An error from the end of the run tells nothing new.
    if (error === over || (failure && error === failure.error)) return;
    const when = interactive ? "nobody caught" : "after the end of the script";
    log.warning(`${when}: ${messageOf(error)}`);
  });
  // At a prompt, the author can look at the failure and go on.
  if (interactive) uncaught.scriptEnded();
  const ends = [uncaught.failure, rejection(signal)];
  await using _prepared = script && !interactive
    ? await prepareScript(script)
    : undefined;

  const { screenshots: mode, video, outDir } = plan;
  const recorder = mode === "failed" && !video
    ? undefined
    : new (await import("./screen_recorder.ts")).ScreenRecorder({
      mode,
      video,
      outDir,
    });
  if (recorder !== undefined) log.addListener(recorder);
  const drivers: Driver[] = [];
  const isOver = () =>
    signal.aborted || drivers.some((driver) => driver.signal.aborted);
  const add = (driver: Driver) => {
    drivers.push(driver);
    recorder?.add(driver);
    emergency.add(() => driver.killNow());
  };
  const noted: NotedFailure[] = [];
  const note = async (
    { name, error }: { readonly name: string; readonly error: unknown },
  ) => {
    const steps = trail.of(error);
    const evidence = await gatherEvidence(drivers, error, {
      isFailed: true,
      dumpMemory: plan.dumpMemory,
      count: noted.length + 1,
    });
    noted.push({ name, steps, failure: { error, evidence } });
  };
  let steps: string[] = [];
  try {
    let used: () => Promise<void>;
    if (evaluate !== undefined) {
      const { onFile } = options;
      used = () =>
        evaluate({ script: script!, log, signal, onDriver: add, onFile });
    } else {
      const driver = await create(plan, log, script, options, signal, note);
      add(driver);
      const { checker } = options;
      const parts = { driver, plan, script, trail, watchdog, noted };
      const test = { ...parts, checker, findings };
      used = () => options.use?.(test) ?? use(test);
    }
    using _deadline = evaluate !== undefined
      ? watchdog?.deadline(plan.globalTimeout)
      : undefined;
    const whole = async () => {
      await used();
      await nextTurn();
    };
    await Promise.race([...ends, uncaught.run(whole)]);
    // A script that makes its own drivers does not ask them in the end.
    for (const driver of drivers) driver.throwFailures();
    if (mayForget) unfinished = trail.unfinished();
  } catch (error) {
    // Steps that the signal ends add to the error where the script waits.
    if (isOver()) await nextTurn();
    failure = { error: signal.aborted ? signal.reason : error };
    await whereabouts(failure.error);
    steps = trail.of(failure.error);
    const isNoted = isNotedIn(noted, error);
    const [found, evidence] = await Promise.all([
      findings.of(failure.error, script, signal),
      isNoted ? undefined : gatherEvidence(drivers, failure.error, {
        isFailed: isFailure(judge(failure)),
        dumpMemory: plan.dumpMemory,
        count: noted.length + 1,
      }),
    ]);
    failure = {
      ...failure,
      findings: found,
      evidence,
      latestStep: trail.latest,
    };
  }
  uncaught.scriptEnded();
  await recorder?.end(log);
  for (const driver of drivers) {
    if (failure !== undefined) driver.abort(failure.error);
    else if (unfinished.length > 0) driver.abort(over);
  }
  for (const driver of drivers) {
    try {
      await driver[Symbol.asyncDispose]();
    } catch (error) {
      log.error(`clean-up failed: ${messageOf(error)}`);
    }
  }
  if (unfinished.length > 0) await nextTurn();
  if (forgotten) failure ??= { error: forgottenAwait(unfinished) };
  if (failure?.error instanceof NothingStarted) {
    await log.close();
    throw failure.error.cause;
  }

  const judgement = judge(failure);
  const { verdict } = judgement;
  if (verdict === "passed") {
    if (!interactive) {
      log.info(`test passed in ${log.time.toFixed(2)} seconds`);
    }
    log.runEnded(verdict);
  } else {
    const { error } = failure!;
    const { detail, ...more } = explainAll(
      { name: "", steps, failure: failure! },
      noted,
      plan,
      script,
    );
    log.runEnded(verdict, error ?? String(error), detail, more);
  }
  await log.close();
  emergency.clear();
  return judgement;
}

/** Tells reports what the script says; a script that can't be read fails later. */
function tellSource(log: Log, script: Script | undefined): void {
  if (script === undefined) return;
  try {
    log.sourceFile(script.url, script.name, script.readText());
  } catch {
    // Whoever runs it says so.
  }
}

/** Why what a script began, and has not waited for, ends with it. */
class ScriptOver extends Error {
  override name = "ScriptOver";

  constructor() {
    super("the script is over");
  }
}

/** Waits until unhandled errors have been reported. */
export function nextTurn(): Promise<void> {
  return delay(0);
}

/** The driver could not be made, because of wrong options. */
class NothingStarted extends Error {
  constructor(override readonly cause: UsageError) {
    super(cause.message);
  }
}

async function create(
  plan: Plan,
  log: Log,
  script: Script | undefined,
  options: RunOptions,
  signal: AbortSignal,
  onSubtestFailure: DriverOptions["onSubtestFailure"],
): Promise<Driver> {
  const { machines, vlans, outDir, keepState, globalTimeout } = plan;
  try {
    const debug = new Debugger({
      attach: plan.debugHookAttach,
      stopOnFailure: plan.stopOnFailure,
    });
    return debug.driver = await Driver.create<string | MachineConfiguration>({
      debug,
      machines: [...machines],
      vlans: [...vlans],
      outDir,
      keepState,
      globalTimeout,
      seed: plan.seed,
      forks: { memory: plan.forkMemory },
      fresh: plan.fresh,
      capture: plan.capture,
      sshBackdoor: plan.vhostVsock,
      log,
      tellEnd: false,
      signal,
      keepGoing: plan.keepGoing,
      onSubtestFailure,
      testScript: plan.test !== undefined ? stopping(plan.test) : (script &&
        ((driver) =>
          script.language === "python"
            ? runScript(script, { driver, context: {} }, options)
            : withNames(
              driver,
              (context) => runScript(script, { driver, context }, options),
            ))),
    });
  } catch (error) {
    throw error instanceof UsageError ? new NothingStarted(error) : error;
  }
}

/** Has a test that fails stop where somebody asked for that. */
function stopping(
  test: (driver: Driver) => Promise<void>,
): (driver: Driver) => Promise<void> {
  return async (driver) => {
    try {
      await test(driver);
    } catch (error) {
      await driver.debug.failed?.(error);
      throw error;
    }
  };
}

/** Runs the prompt, the script or the test with the driver. */
async function use(test: DriverUse): Promise<void> {
  const { driver, plan, script, watchdog } = test;
  tellAddresses(driver, plan);
  if (plan.interactive) {
    const { runPrompt } = await import("../script/prompt/mod.ts");
    const { debug, signal } = driver;
    const prompt = (context: Record<string, unknown>) =>
      runPrompt({
        driver,
        context,
        language: plan.language,
        script,
        signal,
        onBreakpoint: debug instanceof Debugger
          ? debug.breakpointInPython.bind(debug)
          : undefined,
      });
    await (plan.language === "python" ? prompt({}) : withNames(driver, prompt));
    return;
  }
  using _deadline = watchdog?.deadline(plan.globalTimeout);
  await runChecked(test, () => driver.runTests(), driver.signal);
}

/** Logs how to connect to the machines from another terminal, if that works. */
export function tellAddresses(driver: Driver, plan: Plan): void {
  const { sshBackdoor, dumpVsocks } = plan;
  if (!sshBackdoor && dumpVsocks === undefined) return;
  // The hypervisor and the host have the virtual sockets 0 to 2.
  const offset = dumpVsocks ?? 2;
  driver.machines.forEach((machine, i) => {
    const { name, backend } = machine;
    const { takesVsock } = kinds[backend];
    const lacksVsock = takesVsock && plan.vhostVsock &&
      !driver.vhostVsock.has(name);
    if (lacksVsock) return;
    if (takesVsock && !plan.vhostVsock && offset < 2) {
      driver.log.warning(
        `--dump-vsocks ${offset} reaches no machine: vsock numbers of machines begin at 3`,
      );
      return;
    }
    const command = machine.sshBackdoorCommand(offset + 1 + i);
    driver.log.log(`${name} is reached by: ${command}`);
  });
}

/**
 * Runs the script. The machines boot during the type check.
 *
 * @param test The parts of the run.
 * @param run Runs the script.
 * @param signal Ends the check.
 * @throws {TypeErrors} if its types are wrong.
 */
export async function runChecked(
  test: DriverUse,
  run: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all([run(), beginCheck(test, signal)]);
}

/**
 * Begins to check the script's types, if they can be checked.
 *
 * @param test The parts of the run.
 * @param signal Ends the check.
 * @returns The check, which rejects with {@linkcode TypeErrors} if they are wrong.
 */
export function beginCheck(
  { driver, plan, script, checker, findings }: DriverUse,
  signal: AbortSignal,
): Promise<void> {
  if (script === undefined || !canCheck(plan)) return Promise.resolve();
  const checking = checkBeside(script, plan, { signal, checker });
  return findings.checking = checking.catch((error) => {
    if (!(error instanceof UsageError)) throw error;
    driver.log.warning(error.message);
  });
}

/** An error as a part of a line. */
export function messageOf(error: unknown): string {
  return error instanceof Error
    ? `${error.name}: ${error.message}`
    : Deno.inspect(error);
}
