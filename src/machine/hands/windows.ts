import { compilePattern } from "../../console/mod.ts";
import type { MachineCore } from "../core.ts";
import { succeed } from "../commands/commands.ts";
import { reportChanges } from "../waits/guest_loop.ts";
import type { WaitOptions } from "../waits/timeout.ts";
import { isTurn, waitFor, waitForReport } from "../waits/waits.ts";

/** Prints the names of all X11 windows, a line each. */
const WINDOW_NAMES =
  `xwininfo -root -tree | sed 's/.*0x[0-9a-f]* \\"\\([^\\"]*\\)\\".*/\\1/; t; d'`;

/**
 * How many looks at the server's socket there are for each look at the journal.
 */
const LOOKS_PER_JOURNAL = 6;

/** See {@linkcode BaseMachine.waitForX}. */
export function waitForX(
  core: MachineCore,
  options: WaitOptions,
): Promise<void> {
  return waitFor(
    core,
    "waiting for the X11 server",
    `{ [ -e /tmp/.X11-unix/X0 ] && ${isTurn(LOOKS_PER_JOURNAL)} && ` +
      "journalctl -b SYSLOG_IDENTIFIER=systemd | " +
      'grep "Reached target Current graphical" >/dev/null; }',
    options,
    { seen: "ls -la /tmp/.X11-unix 2>&1" },
  );
}

/** See {@linkcode BaseMachine.getWindowNames}. */
export async function getWindowNames(core: MachineCore): Promise<string[]> {
  const names = await succeed(core, [WINDOW_NAMES]);
  return names.split("\n").filter((name) => name !== "");
}

/** See {@linkcode BaseMachine.waitForWindow}. */
export function waitForWindow(
  core: MachineCore,
  regexp: RegExp | string,
  options: WaitOptions,
): Promise<void> {
  const pattern = compilePattern(regexp);
  return waitForReport(
    core,
    "waiting for a window to appear",
    `no window has a name that matches /${pattern.source}/`,
    reportChanges(`{ ${WINDOW_NAMES}; } 2>/dev/null`, 0.1),
    (names) => names.split("\n").some((name) => pattern.test(name)),
    options,
    { seen: `{ ${WINDOW_NAMES}; } 2>&1` },
  );
}
