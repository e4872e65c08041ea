import type { ConsoleWaitOptions } from "../../console/mod.ts";
import type { MachineCore } from "../core.ts";
import { withLook } from "../last_look.ts";

/**
 * Milliseconds of a wait, after which a warning says that the machine is not
 * running.
 */
const NOT_STARTED_MS = 1000;

/** See {@linkcode BaseMachine.waitForConsoleText}. */
export function waitForConsoleText(
  core: MachineCore,
  regex: RegExp | string,
  options: Omit<ConsoleWaitOptions, "signal">,
): Promise<void> {
  return core.watched((signal) =>
    core.nested(
      `waiting for ${regex} to appear on console`,
      () => wait(core, regex, { ...options, signal }),
    )
  );
}

async function wait(
  core: MachineCore,
  regex: RegExp | string,
  options: ConsoleWaitOptions,
): Promise<void> {
  await core.untilStarted(options.signal);
  const hint = setTimeout(() => {
    if (core.isOn) return;
    core.log.warning(
      "is not running, so its console prints nothing: this wait does not " +
        "start it, start() does",
      core.attributes,
    );
  }, NOT_STARTED_MS);
  try {
    await core.untilConsoleEnds(() =>
      withLook(
        core.name,
        () => `its console: ${core.console.tail(3).join("\n")}`,
        () => core.console.waitFor(regex, options),
      )
    );
  } finally {
    clearTimeout(hint);
  }
}
