/**
 * Running test scripts written in Python.
 *
 * @module
 */
import type { Driver } from "../../driver/mod.ts";
import { Debugger } from "../debugger.ts";
import type { Script } from "../script.ts";
import { noteWhereabouts } from "../whereabouts.ts";
import { PythonSession } from "./session.ts";

export { PythonError } from "./errors.ts";
export { PythonSession } from "./session.ts";

const prepared = new WeakMap<Script, PythonSession>();

/**
 * Starts Python for a script that will run soon, so that it is ready then.
 *
 * @param script The script.
 * @returns An object that ends Python when it is disposed, whether the script
 * has run or not.
 */
export function preparePython(script: Script): AsyncDisposable {
  const session = new PythonSession(script);
  prepared.set(script, session);
  return session;
}

/**
 * Runs a script written in Python.
 *
 * @param script The script.
 * @param driver The driver whose machines the script sees.
 * @throws The script's exception; see {@linkcode PythonSession.run}.
 */
export async function runPython(script: Script, driver: Driver): Promise<void> {
  const waiting = prepared.get(script);
  prepared.delete(script);
  await using session = waiting ?? new PythonSession(script);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => {
    const { reason } = driver.signal;
    const search = reason instanceof Error
      ? session.locate(reason)
      : Promise.resolve();
    noteWhereabouts(reason, search);
    // Python has to run to tell where the script is.
    search.catch(() => {}).finally(() => reject(reason));
  };
  driver.signal.addEventListener("abort", onAbort, { once: true });
  if (driver.signal.aborted) onAbort();
  const run = async () => {
    const { debug } = driver;
    const interrupt = () => session.interrupt();
    await session.bind(driver, {
      onBreakpoint: debug instanceof Debugger
        ? (at) => debug.breakpointInPython(at, interrupt)
        : undefined,
      onFailure: debug instanceof Debugger && debug.stopsAtFailure
        ? (error, at) => debug.failedInPython(error, at, interrupt)
        : undefined,
    });
    try {
      await session.run();
    } finally {
      // The script may have to clean up.
      await session.end();
    }
  };
  try {
    await Promise.race([run(), aborted]);
  } finally {
    driver.signal.removeEventListener("abort", onAbort);
  }
}
