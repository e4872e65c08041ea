import * as api from "../../mod.ts";
import {
  bindGlobals,
  Debugger,
  runScript,
  type Script,
} from "../script/mod.ts";
import type { Configuration } from "./configuration.ts";
import type { Emergency } from "./emergency.ts";
import { takeLastScreenshots } from "./last_screenshots.ts";
import { isFailure, judge } from "./verdict.ts";

const { Driver, GlobalTimeout } = api;

/**
 * Runs a script that makes its own driver. It sees everything that `mod.ts`
 * exports, and the assertions. A driver that it makes has the options of the
 * command line unless it says otherwise, and ends with the script. A script in
 * Python finds a driver without machines, as it can't make one.
 *
 * @param script The script.
 * @param configuration The command line's options.
 * @param log Where everything is told.
 * @param emergency Is told what to kill.
 * @throws What the script throws.
 */
export async function evaluate(
  script: Script,
  configuration: Configuration,
  log: api.Log,
  emergency: Emergency,
): Promise<void> {
  const { assertions } = await import("../script/assertions.ts");
  const { outDir, keepState, globalTimeout } = configuration;
  const made: api.Driver[] = [];
  const create = async (options?: api.DriverOptions) => {
    const common = { outDir, keepState, globalTimeout, log };
    const debug = new Debugger({ attach: configuration.debugHookAttach });
    const driver = await Driver.create({ ...common, debug, ...options });
    debug.driver = driver;
    made.push(driver);
    emergency.add(() => driver.killNow());
    return driver;
  };
  const context = {
    ...assertions,
    ...api,
    log,
    Driver: new Proxy(Driver, {
      get: (target, name) =>
        name === "create" ? create : Reflect.get(target, name),
    }),
  };
  using _bound = bindGlobals(context);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  if (globalTimeout !== undefined) {
    timer = setTimeout(
      () => reject(new GlobalTimeout(globalTimeout)),
      globalTimeout * 1000,
    );
  }
  try {
    const driver = script.language === "python" ? await create() : undefined;
    await Promise.race([timeout, runScript(script, { driver, context })]);
  } catch (error) {
    if (isFailure(judge(error))) {
      await Promise.all(made.map(takeLastScreenshots));
    }
    throw error;
  } finally {
    clearTimeout(timer);
    await Promise.all(made.map((driver) => driver[Symbol.asyncDispose]()));
  }
}
