/**
 * Running test scripts written in Python.
 *
 * @module
 */
import { UsageError } from "../../report/errors.ts";
import type { Runner } from "../run_script.ts";

/**
 * Runs a script written in Python.
 *
 * @throws {UsageError} Always: there is no such thing yet.
 */
export const runPython: Runner = (script) =>
  Promise.reject(
    new UsageError(
      `${script.name} is written in Python, which can not be run yet`,
    ),
  );
