import { kinds } from "../backend/mod.ts";
import type { Driver } from "../driver/mod.ts";
import { UsageError } from "../errors.ts";
import {
  Debugger,
  type Script,
  type StepTrail,
  type WarmChecker,
} from "../script/mod.ts";
import type { Findings } from "./findings.ts";
import type { Plan } from "./plan.ts";
import { withNames } from "./script_names.ts";
import { canCheck, checkBeside } from "./type_errors.ts";
import type { NotedFailure } from "./verdict.ts";
import type { Watchdog } from "./watchdog.ts";

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
  /** Limits the script's time. */
  readonly watchdog: Watchdog | undefined;
  /** Checks types from run to run, if there is more than one. */
  readonly checker: WarmChecker | undefined;
  /** The findings of the type checker. */
  readonly findings: Findings;
  /** The subtests that failed, where the test went on. */
  readonly noted: NotedFailure[];
}

/** Runs the prompt, the script or the test with the driver. */
export async function useDriver(test: DriverUse): Promise<void> {
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
