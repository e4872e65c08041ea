import { GlobalTimeout } from "../driver/mod.ts";
import { forgottenAwait, Uncaught, whereabouts } from "../script/mod.ts";
import { after, rejection } from "../time/mod.ts";
import { beginCheck, type DriverUse } from "./driver_use.ts";
import { gatheredOnFork, gatherEvidence } from "./evidence.ts";
import { messageOf, nextTurn } from "./run_once.ts";
import { TypeErrors } from "./type_errors.ts";
import {
  explain,
  explainAll,
  type Failure,
  isFailure,
  judge,
} from "./verdict.ts";

/**
 * Seconds that a failure waits for the type check. A person is watching, who is
 * told later what the check finds later.
 */
const PATIENCE = 1;

/**
 * Runs the script once on machines that stay, and reports the result. A script
 * that passes gets its verdict at once; type errors are reported when they are
 * known. Afterwards, no code of the script can use the machines any more.
 *
 * @param test The parts of the run.
 * @returns The check of its types, which ends when this is disposed of.
 * @throws The reason of the driver's end, if it has ended.
 */
export async function runOnKept(test: DriverUse): Promise<Disposable> {
  const { driver, plan, script, trail, watchdog, findings, noted } = test;
  noted.length = 0;
  const { globalTimeout } = plan;
  const end = new AbortController();
  const over = new Error("the script's run is over");
  let hasFailedLate = false;
  using uncaught = new Uncaught((error, isOwn) => {
    if (isOwn) hasFailedLate = true;
    if (error === end.signal.reason) return;
    driver.log.warning(`after the end of the script: ${messageOf(error)}`);
  });
  using _deadline = watchdog?.deadline(globalTimeout);
  const cancel = globalTimeout === undefined ? () => {} : after(
    globalTimeout,
    () => end.abort(new GlobalTimeout(globalTimeout)),
  );
  const check = new AbortController();
  const checking = beginCheck(
    test,
    AbortSignal.any([check.signal, driver.signal]),
  );
  // Only type errors end the script's run.
  const wrongTypes = checking.then(() => new Promise<never>(() => {}));
  wrongTypes.catch(() => {});
  let failure: Failure | undefined;
  let steps: string[] = [];
  try {
    const run = uncaught.run(() =>
      driver.within(end.signal, async () => {
        await Promise.race([driver.testScript(), wrongTypes]);
        await nextTurn();
      })
    );
    await Promise.race([
      uncaught.failure,
      rejection(end.signal),
      rejection(driver.signal),
      run,
    ]);
  } catch (error) {
    driver.signal.throwIfAborted();
    if (end.signal.aborted) await nextTurn();
    await whereabouts(error);
    steps = trail.of(error);
    const [found, evidence] = await Promise.all([
      findings.of(error, script, end.signal, PATIENCE),
      gatheredOnFork(error) ?? gatherEvidence([driver], error, {
        isFailed: isFailure(judge({ error })),
        dumpMemory: plan.dumpMemory,
      }),
    ]);
    failure = { error, findings: found, evidence, latestStep: trail.latest };
  } finally {
    cancel();
  }
  uncaught.scriptEnded();
  const unfinished = trail.unfinished();
  end.abort(failure?.error ?? over);
  driver.interrupt(end.signal.reason);
  await nextTurn();
  if (unfinished.length > 0 && hasFailedLate) {
    failure ??= { error: forgottenAwait(unfinished) };
  }
  if (judge(failure).verdict === "passed") {
    driver.log.info("test passed");
  } else {
    const last = { name: "", steps, failure: failure! };
    const { detail } = explainAll(last, noted, plan, script);
    driver.log.error(detail);
  }
  const isTold = failure?.error instanceof TypeErrors ||
    (failure?.findings ?? []).length > 0;
  if (!isTold) {
    checking.catch((error) => {
      if (check.signal.aborted) return;
      driver.log.error(explain({ error }, [], plan, script));
    });
  }
  return { [Symbol.dispose]: () => check.abort() };
}
