import { delay, rejection } from "../time/mod.ts";
import { type Driver, type MachineOf, subtestsOf } from "../driver/mod.ts";
import type { Log } from "../report/mod.ts";
import { keepOwnFrames } from "../report/positions.ts";
import {
  forgottenAwait,
  prepareScript,
  type RunOptions,
  Script,
  ScriptExit,
  StepTrail,
  Uncaught,
  type UnfinishedStep,
  type WarmChecker,
  whereabouts,
} from "../script/mod.ts";
import { type DriverUse, useDriver } from "./driver_use.ts";
import type { Emergency } from "./emergency.ts";
import {
  type Evidence,
  gatheredOnFork,
  gatherEvidence,
  gatherOnFork,
} from "./evidence.ts";
import { Findings } from "./findings.ts";
import { makeDriver, NothingStarted } from "./make_driver.ts";
import type { Plan } from "./plan.ts";
import { openLog } from "./reports.ts";
import type { ScreenRecorder } from "./screen_recorder.ts";
import { readAssertions } from "./script_names.ts";
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
  /**
   * Checks types from run to run; if it is absent, each run checks from the
   * beginning.
   */
  checker?: WarmChecker;
  /** Uses the driver; if it is absent, the run runs the script. */
  use?: (test: DriverUse) => Promise<void>;
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
  return await new OneRun(plan, options).judged();
}

/** A run of the test, and what is known of it so far. */
class OneRun {
  readonly #plan: Plan;
  readonly #options: RunOnceOptions;
  readonly #log: Log;
  readonly #script: Script | undefined;
  readonly #trail: StepTrail;
  readonly #findings = new Findings();
  readonly #drivers: Driver[] = [];
  /** The subtests that failed, where the test went on. */
  readonly #noted: NotedFailure[] = [];
  #recorder: ScreenRecorder | undefined;
  #failure: Failure | undefined;
  /** The steps that enclosed the failure. */
  #steps: string[] = [];
  /** Steps that the script has begun, and not waited for. */
  #unfinished: readonly UnfinishedStep[] = [];
  /** Whether the script's end has ended one of them. */
  #hasForgotten = false;

  constructor(plan: Plan, options: RunOnceOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#log = openLog(plan);
    this.#script = plan.script && new Script(plan.script);
    this.#trail = new StepTrail({ stacks: this.#mayForget });
  }

  /** Carries out the whole run, once. */
  async judged(): Promise<Judgement> {
    const { interactive } = this.#plan;
    const { signal, emergency } = this.#options;
    this.#begin();
    using uncaught = new Uncaught((error, isOwn) => this.#late(error, isOwn));
    // At a prompt, the author can look at the failure and go on.
    if (interactive) uncaught.scriptEnded();
    const ends = [uncaught.failure, rejection(signal)];
    await using _prepared = this.#script && !interactive
      ? await prepareScript(this.#script)
      : undefined;
    await this.#record();
    try {
      await this.#use((used) => Promise.race([...ends, uncaught.run(used)]));
    } catch (error) {
      await this.#fail(error);
    }
    uncaught.scriptEnded();
    await this.#recorder?.end(this.#log);
    await this.#endMachines();
    if (this.#hasForgotten) {
      this.#failure ??= { error: forgottenAwait(this.#unfinished) };
    }
    if (this.#failure?.error instanceof NothingStarted) {
      await this.#log.close();
      throw this.#failure.error.cause;
    }
    const judgement = judge(this.#failure);
    this.#tellEnd(judgement);
    await this.#log.close();
    emergency.clear();
    return judgement;
  }

  /**
   * Whether a script can end before actions that it has begun. In Python,
   * everything that a script has begun ends with the script.
   */
  get #mayForget(): boolean {
    return !this.#plan.interactive && this.#script?.language !== "python";
  }

  #begin(): void {
    const { language, test, warnings } = this.#plan;
    tellSource(this.#log, this.#script);
    if (language === "typescript" && test === undefined) readAssertions();
    this.#log.addListener(this.#trail);
    this.#options.emergency.add(() => this.#log.flush());
    for (const warning of warnings) this.#log.warning(warning);
  }

  /** Takes pictures of the screens, if the plan asks for them. */
  async #record(): Promise<void> {
    const { screenshots: mode, video, outDir } = this.#plan;
    if (mode === "failed" && !video) return;
    const { ScreenRecorder } = await import("./screen_recorder.ts");
    this.#recorder = new ScreenRecorder({ mode, video, outDir });
    this.#log.addListener(this.#recorder);
  }

  /**
   * Uses a driver, or lets the code use those that it makes.
   *
   * @param race Runs a function until it is done, or until the run ends.
   */
  async #use(
    race: (used: () => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const plan = this.#plan;
    const { watchdog } = this.#options;
    const { evaluate } = plan;
    const used = evaluate === undefined
      ? await this.#driverUse()
      : () => this.#evaluate(evaluate);
    using _deadline = evaluate === undefined
      ? undefined
      : watchdog?.deadline(plan.globalTimeout);
    await race(async () => {
      await used();
      await nextTurn();
    });
    // A script that makes its own drivers does not ask them in the end.
    for (const driver of this.#drivers) subtestsOf(driver).throwFailures();
    if (this.#mayForget) this.#unfinished = this.#trail.unfinished();
  }

  #evaluate(evaluate: NonNullable<Plan["evaluate"]>): Promise<void> {
    const { signal, onFile } = this.#options;
    return evaluate({
      script: this.#script!,
      log: this.#log,
      signal,
      onDriver: (driver) => this.#add(driver),
      onForkFailure: (...given) => this.#gatherOnFork(...given),
      onFile,
    });
  }

  /** Makes the driver. Returns what uses it. */
  async #driverUse(): Promise<() => Promise<void>> {
    const plan = this.#plan, script = this.#script;
    const options = this.#options;
    const driver = await makeDriver(plan, {
      log: this.#log,
      script,
      options,
      signal: options.signal,
      onSubtestFailure: (failure) => this.#note(failure),
      onForkFailure: (...given) => this.#gatherOnFork(...given),
    });
    this.#add(driver);
    const test: DriverUse = {
      driver,
      plan,
      script,
      trail: this.#trail,
      watchdog: options.watchdog,
      checker: options.checker,
      findings: this.#findings,
      noted: this.#noted,
    };
    return () => options.use?.(test) ?? useDriver(test);
  }

  #add(driver: Driver): void {
    this.#drivers.push(driver);
    this.#recorder?.add(driver);
    this.#options.emergency.add(() => driver.killNow());
  }

  /** Gathers evidence on the machines of a fork, which end with its subtest. */
  #gatherOnFork(machines: readonly MachineOf[], error: unknown): Promise<void> {
    const fork = { log: this.#log, machinesMade: [...machines] };
    return gatherOnFork(fork, error, {
      isFailed: isFailure(judge({ error })),
      dumpMemory: this.#plan.dumpMemory,
    });
  }

  /** Notes a subtest that failed, where the test goes on. */
  async #note(
    { name, error }: { readonly name: string; readonly error: unknown },
  ): Promise<void> {
    const steps = this.#trail.of(error);
    const evidence = await this.#gather(error, true);
    this.#noted.push({ name, steps, failure: { error, evidence } });
  }

  async #gather(error: unknown, isFailed: boolean): Promise<Evidence> {
    const { dumpMemory } = this.#plan;
    const count = this.#noted.length + 1;
    return gatheredOnFork(error) ??
      await gatherEvidence(this.#drivers, error, {
        isFailed,
        dumpMemory,
        count,
      });
  }

  /** Gathers the facts about what has ended the test. */
  async #fail(error: unknown): Promise<void> {
    const { signal } = this.#options;
    const isOver = signal.aborted ||
      this.#drivers.some((driver) => driver.signal.aborted);
    // Steps that the signal ends add to the error where the script waits.
    if (isOver) await nextTurn();
    const failure: Failure = { error: signal.aborted ? signal.reason : error };
    this.#failure = failure;
    await whereabouts(failure.error);
    this.#steps = this.#trail.of(failure.error);
    const isNoted = isNotedIn(this.#noted, error);
    const [findings, evidence] = await Promise.all([
      this.#findings.of(failure.error, this.#script, signal),
      isNoted
        ? undefined
        : this.#gather(failure.error, isFailure(judge(failure))),
    ]);
    const latestStep = this.#trail.latest;
    this.#failure = { ...failure, findings, evidence, latestStep };
  }

  /** Ends the drivers, and all that the script has not waited for. */
  async #endMachines(): Promise<void> {
    const hasUnfinished = this.#unfinished.length > 0;
    for (const driver of this.#drivers) {
      if (this.#failure !== undefined) driver.abort(this.#failure.error);
      else if (hasUnfinished) driver.abort(new ScriptOver());
    }
    for (const driver of this.#drivers) {
      try {
        await driver[Symbol.asyncDispose]();
      } catch (error) {
        this.#log.error(`clean-up failed: ${messageOf(error)}`);
      }
    }
    if (hasUnfinished) await nextTurn();
  }

  /** Takes an error that comes after the end of the script, or at a prompt. */
  #late(error: unknown, isOwn: boolean): void {
    const { interactive } = this.#plan;
    if (interactive && error instanceof ScriptExit) return;
    // The end of the run has ended something that nobody waits for.
    if (isOwn && this.#unfinished.length > 0) this.#hasForgotten = true;
    // An error from the end of the run tells nothing new.
    if (error instanceof ScriptOver) return;
    if (this.#failure !== undefined && error === this.#failure.error) return;
    const when = interactive ? "uncaught" : "after the end of the script";
    this.#log.warning(`${when}: ${messageOf(error)}`);
  }

  #tellEnd({ verdict }: Judgement): void {
    if (verdict === "passed") {
      if (!this.#plan.interactive) {
        this.#log.info(`test passed in ${this.#log.time.toFixed(2)} seconds`);
      }
      this.#log.runEnded(verdict);
      return;
    }
    const failure = this.#failure!;
    const { detail, ...more } = explainAll(
      { name: "", steps: this.#steps, failure },
      this.#noted,
      this.#plan,
      this.#script,
    );
    this.#log.runEnded(
      verdict,
      failure.error ?? String(failure.error),
      detail,
      more,
    );
  }
}

/** Gives reports the script's text; a script that can't be read fails later. */
function tellSource(log: Log, script: Script | undefined): void {
  if (script === undefined) return;
  try {
    log.sourceFile(script.url, script.name, script.readText());
  } catch {
    // The run of the script reports that.
  }
}

/**
 * Why an action that a script has begun, and not waited for, ends with the
 * script.
 */
class ScriptOver extends Error {
  override name = "ScriptOver";

  constructor() {
    super("the script is over");
  }
}

/** Waits until unhandled errors have been reported. */
export async function nextTurn(): Promise<void> {
  // On a busy host, the first timer may be due before the runtime tells of the
  // promises that were rejected in this turn.
  await delay(0);
  await delay(0);
}

/** An error as a part of a line. */
export function messageOf(error: unknown): string {
  return error instanceof Error
    ? `${error.name}: ${error.message}`
    : Deno.inspect(error);
}
