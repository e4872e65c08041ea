import { type Driver, subtestsOf } from "../../driver/mod.ts";
import { harmless } from "../../scan/mod.ts";
import { noteTraceback } from "../traceback.ts";
import type { CrossedErrors } from "./errors.ts";
import {
  oneOf,
  type RequestHandlers,
  type RequestTo,
} from "./request_handlers.ts";

const LEVELS = ["debug", "info", "warning", "error"] as const;

/** Requests to the log: messages, steps, subtests, and what it shows. */
export function logRequests(
  driver: Driver,
  errors: CrossedErrors,
): RequestHandlers<
  | "log"
  | "consoleLine"
  | "begin"
  | "beginSubtest"
  | "end"
  | "serialStdout"
  | "logLevel"
> {
  const { log } = driver;
  return {
    log: ({ level, text, attributes }) =>
      level === null
        ? log.log(text, attributes)
        : log[oneOf(LEVELS, level)](text, attributes),
    consoleLine: (request) => {
      for (const line of harmless(request.text).split("\n")) {
        log.consoleLine(request.machine, line);
      }
    },
    begin: ({ text, attributes, role }) =>
      log.begin(text, attributes, undefined, role ?? undefined).id,
    beginSubtest: ({ name }) => log.beginSubtest(name).id,
    end: (request) => end(request, driver, errors),
    serialStdout: ({ on }) =>
      on ? driver.serialStdoutOn() : driver.serialStdoutOff(),
    logLevel: ({ level }) => log.setLogLevel(oneOf(LEVELS, level)),
  };
}

/**
 * Ends a step or a subtest.
 *
 * @returns Whether the script goes on after a subtest that failed.
 */
async function end(
  { ended: id, error: report, subtest }: RequestTo<"end">,
  driver: Driver,
  errors: CrossedErrors,
): Promise<boolean | void> {
  const subtests = subtestsOf(driver);
  await subtests.heal(id);
  if (report === null) return driver.log.end({ id });
  const error = errors.fromPython(report);
  let goesOn = false;
  if (subtest !== undefined) {
    const { name, keepGoing, traceback } = subtest;
    goesOn = await subtests.goesOn({ name, error }, keepGoing ?? undefined);
    // If the script does not go on, its own traceback says more.
    if (goesOn) noteTraceback(error, traceback);
  }
  driver.log.end({ id }, error);
  return goesOn;
}
