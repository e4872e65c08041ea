import { type Listener, ReportServer, type RunEvent } from "../report/mod.ts";
import { rejection } from "../time/mod.ts";
import { Uncaught, WarmChecker } from "../script/mod.ts";
import { Changes } from "./changes.ts";
import { Interruption } from "./interruption.ts";
import { type DriverUse, tellAddresses } from "./driver_use.ts";
import { runOnKept } from "./kept_machines.ts";
import type { Plan } from "./plan.ts";
import { messageOf, runOnce, type RunOnceOptions } from "./run_once.ts";
import { canCheck, namesIn } from "./type_errors.ts";
import { judge, type Judgement } from "./verdict.ts";

/**
 * Runs the test, and again whenever the script or a file that it imports has
 * changed, until the signal is aborted.
 *
 * Each run starts the machines again, and a change during a run ends it. With
 * `keepMachines` the machines stay, and a change does not end a run.
 *
 * @param plan What to run.
 * @param given The options of each run. The signal ends the watch.
 * @returns How it ended.
 */
export async function watch(
  plan: Plan,
  given: RunOnceOptions,
): Promise<Judgement> {
  const { signal } = given;
  const { path } = plan.script!;
  let changes = new Changes([path!]);
  await using checker = canCheck(plan)
    ? new WarmChecker(namesIn(plan))
    : undefined;
  const options: RunOnceOptions = {
    ...given,
    checker,
    onFile: (file) => changes.add(file),
  };
  // A script may go on after its run, and fail between two runs.
  using idle = new Uncaught((error) =>
    console.error(`vmwright: after the end of a run: ${messageOf(error)}`)
  );
  idle.scriptEnded();
  const waitForChange = async () => {
    console.error(`vmwright: waiting for a change of ${path}`);
    await Promise.race([changes.next, rejection(signal)]);
  };
  const begin = () => {
    changes[Symbol.dispose]();
    changes = new Changes([path!]);
  };

  if (plan.keepMachines) {
    const use = async (test: DriverUse) => {
      tellAddresses(test.driver, plan);
      for (;; begin()) {
        using _check = await runOnKept(test);
        await waitForChange();
      }
    };
    return await runOnce(plan, { ...options, use });
  }

  await using server = plan.reportServer ? new ReportPage() : undefined;
  const each = server === undefined ? plan : {
    ...plan,
    reportServer: false,
    listeners: [...plan.listeners ?? [], server],
  };
  for (;; begin()) {
    const change = new AbortController();
    changes.next.then((file) =>
      change.abort(new Interruption(`${file} changed`, 0))
    );
    options.signal = AbortSignal.any([signal, change.signal]);
    await runOnce(each, options);
    if (!signal.aborted && !change.signal.aborted) {
      await waitForChange().catch(() => {});
    }
    if (signal.aborted) return judge({ error: signal.reason });
  }
}

/** Shows one run after the other in a browser, at the same address. */
class ReportPage implements Listener, AsyncDisposable {
  readonly #server = new ReportServer({ stays: true });

  constructor() {
    console.error(`vmwright: the report is live at ${this.#server.url}`);
  }

  on(event: RunEvent): void {
    this.#server.on(event);
  }

  // The end of a run's log is not its own.
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
  }
}
