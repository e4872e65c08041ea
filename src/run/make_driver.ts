import {
  Driver,
  type DriverOptions,
  type MachineConfiguration,
} from "../driver/mod.ts";
import { UsageError } from "../errors.ts";
import type { Log } from "../report/mod.ts";
import {
  Debugger,
  type RunOptions,
  runScript,
  type Script,
} from "../script/mod.ts";
import type { Plan } from "./plan.ts";
import { withNames } from "./script_names.ts";

/** The driver could not be made, because of wrong options. */
export class NothingStarted extends Error {
  constructor(override readonly cause: UsageError) {
    super(cause.message);
  }
}

/** What {@linkcode makeDriver} takes beside the plan. */
export interface DriverParts {
  /** The log. */
  readonly log: Log;
  /** The script, if there is one. */
  readonly script: Script | undefined;
  /** How to run the script. */
  readonly options: RunOptions;
  /** Ends the run. */
  readonly signal: AbortSignal;
  /** Called for each failed subtest after which the test goes on. */
  readonly onSubtestFailure: DriverOptions["onSubtestFailure"];
  /** Called for each subtest on a fork that failed, before the fork ends. */
  readonly onForkFailure: DriverOptions["onForkFailure"];
}

/**
 * Makes the driver of a plan, with its machines, which are not started.
 *
 * @param plan What to run.
 * @param parts What the driver works with.
 * @returns The driver.
 * @throws {NothingStarted} if an option of the plan is wrong.
 */
export async function makeDriver(
  plan: Plan,
  { log, script, options, signal, onSubtestFailure, onForkFailure }:
    DriverParts,
): Promise<Driver> {
  const { machines, vlans, outDir, keepState, globalTimeout } = plan;
  try {
    const debug = new Debugger({
      attach: plan.debugHookAttach,
      stopOnFailure: plan.stopOnFailure,
      script,
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
      onForkFailure,
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

/** Makes a failing test stop with a prompt, if the plan asks for that. */
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
