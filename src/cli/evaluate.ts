import { dedent } from "../script/dedent.ts";
import * as api from "../../mod.ts";
import { bindGlobals, Debugger, runScript } from "../script/mod.ts";
import { after } from "../time/mod.ts";
import type { OwnDrivers } from "../run/plan.ts";
import type { Configuration } from "./configuration.ts";

const { Driver, GlobalTimeout } = api;

/**
 * Runs a script that makes its own driver. The script sees all exports of
 * `mod.ts`, and the assertions. Its drivers have the options of the command
 * line, unless it gives others. A script in Python can't make a driver, so it
 * gets one without machines.
 *
 * @param configuration The command line's options.
 * @param own The script, and the callbacks for its drivers.
 * @throws What the script throws.
 */
export async function evaluate(
  configuration: Configuration,
  own: OwnDrivers,
): Promise<void> {
  const { script, log, signal, onDriver, onForkFailure, onFile } = own;
  const { assertions } = await import("../script/assertions.ts");
  const { classes } = await import("../script/classes.ts");
  const { outDir, keepState, globalTimeout } = configuration;
  const create = async (given: api.DriverOptions = {}) => {
    const common = {
      outDir,
      keepState,
      globalTimeout,
      log,
      tellEnd: false,
      keepGoing: configuration.keepGoing,
      onForkFailure,
    };
    const debug = new Debugger({
      attach: configuration.debugHookAttach,
      script,
    });
    const driver = await Driver.create({
      ...common,
      debug,
      ...given,
      signal: given.signal ? AbortSignal.any([signal, given.signal]) : signal,
    });
    if (signal.aborted) {
      // The run is over, so nobody would dispose the new driver.
      await driver[Symbol.asyncDispose]();
      throw signal.reason;
    }
    debug.driver = driver;
    onDriver(driver);
    return driver;
  };
  const context = {
    ...assertions,
    ...classes,
    dedent,
    ...api,
    log,
    Driver: new Proxy(Driver, {
      get: (target, name) =>
        name === "create" ? create : Reflect.get(target, name),
    }),
  };
  using bound = bindGlobals(context);
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const cancel = globalTimeout === undefined ? () => {} : after(
    globalTimeout,
    () => reject(new GlobalTimeout(globalTimeout)),
  );
  try {
    const driver = script.language === "python" ? await create() : undefined;
    const run = bound.run(() =>
      runScript(script, { driver, context }, { onFile })
    );
    await Promise.race([timeout, run]);
  } finally {
    cancel();
  }
}
