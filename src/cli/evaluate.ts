import * as api from "../../mod.ts";
import {
  bindGlobals,
  Debugger,
  type RunOptions,
  runScript,
  type Script,
} from "../script/mod.ts";
import { after } from "../time/mod.ts";
import type { Configuration } from "./configuration.ts";

const { Driver, GlobalTimeout } = api;

/** Options of {@linkcode evaluate}. */
export interface EvaluateOptions extends RunOptions {
  /** Where everything is told. */
  log: api.Log;
  /** Ends what the script's drivers do. */
  signal: AbortSignal;
  /** Told of each driver that the script makes, to dispose of it in the end. */
  onDriver: (driver: api.Driver) => void;
}

/**
 * Runs a script that makes its own driver. It sees everything that `mod.ts`
 * exports, and the assertions. A driver that it makes has the options of the
 * command line unless it says otherwise. A script in Python finds a driver
 * without machines, as it can't make one.
 *
 * @param script The script.
 * @param configuration The command line's options.
 * @param options How to run it.
 * @throws What the script throws.
 */
export async function evaluate(
  script: Script,
  configuration: Configuration,
  options: EvaluateOptions,
): Promise<void> {
  const { log, signal, onDriver, onFile } = options;
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
    };
    const debug = new Debugger({ attach: configuration.debugHookAttach });
    const driver = await Driver.create({
      ...common,
      debug,
      ...given,
      signal: given.signal ? AbortSignal.any([signal, given.signal]) : signal,
    });
    if (signal.aborted) {
      // Nobody looks any more for what is to be disposed of.
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
