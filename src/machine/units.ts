import { shellQuote } from "../backend/mod.ts";
import { TestFailure } from "../report/mod.ts";
import { execute } from "./commands.ts";
import type { MachineCore } from "./core.ts";
import { pause, READY_TO_PAUSE } from "./guest_loop.ts";
import { decode } from "./output.ts";
import { DEFAULT_TIMEOUT, type WaitOptions } from "./timeout.ts";

/** What waits for systemd units take. */
export interface UnitOptions extends WaitOptions {
  /** The user whose manager is asked; the system's by default. */
  user?: string;
}

/** Looks at systemd between two questions to it, at least and about at most. */
const SHORTEST_GAP = 3;
const LONGEST_GAP = 48;
/** Seconds between two looks. */
const LOOK_INTERVAL = 0.06;

/** The shell command for `systemctl`, or for a user's own manager. */
export function systemctlCommand(query: string, user?: string): string {
  if (user === undefined) return `systemctl ${query}`;
  const inner = `XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user ${query}`;
  return `su -l ${shellQuote(user)} --shell /bin/sh -c ${shellQuote(inner)}`;
}

/** The properties that `systemctl show` printed, by name. */
export function parseProperties(text: string): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const at = line.indexOf("=");
    if (at > 0) properties[line.slice(0, at)] = line.slice(at + 1);
  }
  return properties;
}

/** See {@linkcode BaseMachine.waitForUnit}. */
export function waitForUnit(
  core: MachineCore,
  unit: string,
  options: UnitOptions,
): Promise<void> {
  const { user, timeout = DEFAULT_TIMEOUT } = options;
  const whose = user === undefined ? "" : ` with user ${user}`;
  return core.nested(`waiting for unit ${unit}${whose}`, async () => {
    const { status, timedOut, stdout } = await core.run(unitLoop(unit, user), {
      timeout,
    });
    if (timedOut) {
      const now = await core.observe(
        systemctlCommand(`--no-pager status ${shellQuote(unit)}`, user),
      );
      throw new TestFailure(
        `unit "${unit}" did not become active in ${timeout} seconds; ` +
          `its last status:\n${now}`,
      );
    }
    if (status !== 0) {
      throw new TestFailure(refusal("property", unit, user, status));
    }
    const state = decode(stdout);
    if (state === "failed") {
      throw new TestFailure(`unit "${unit}" reached state "failed"`);
    }
    if (state === "inactive") {
      throw new TestFailure(
        `unit "${unit}" is inactive and there are no pending jobs`,
      );
    }
  });
}

/** See {@linkcode BaseMachine.getUnitInfo}. */
export async function getUnitInfo(
  core: MachineCore,
  unit: string,
  user?: string,
): Promise<Record<string, string>> {
  const [status, lines] = await execute(
    core,
    systemctlCommand(`--no-pager show ${shellQuote(unit)}`, user),
    {},
  );
  if (status !== 0) throw new TestFailure(refusal("info", unit, user, status));
  return parseProperties(lines);
}

/** See {@linkcode BaseMachine.getUnitProperty}. */
export async function getUnitProperty(
  core: MachineCore,
  unit: string,
  property: string,
  user?: string,
): Promise<string> {
  const [status, lines] = await execute(
    core,
    systemctlCommand(
      `--no-pager show ${shellQuote(unit)} --property=${shellQuote(property)}`,
      user,
    ),
    {},
  );
  if (status !== 0) {
    throw new TestFailure(
      refusal(`property "${property}"`, unit, user, status),
    );
  }
  const value = parseProperties(lines)[property];
  if (value !== undefined) return value;
  throw new TestFailure(
    `systemctl knows no property "${property}" of unit "${unit}", ` +
      `it printed: ${JSON.stringify(lines)}`,
  );
}

/** See {@linkcode BaseMachine.requireUnitState}. */
export function requireUnitState(
  core: MachineCore,
  unit: string,
  wanted: string,
): Promise<void> {
  return core.nested(
    `checking if unit '${unit}' has reached state '${wanted}'`,
    async () => {
      const state = await getUnitProperty(core, unit, "ActiveState");
      if (state === wanted) return;
      throw new TestFailure(
        `Expected unit '${unit}' to be in state '${wanted}' ` +
          `but it is in state '${state}'`,
      );
    },
  );
}

/**
 * Waits in the guest until a unit is active or can't become so any more, and
 * prints its last state. A question costs a process here and work there, so
 * the next is asked when the manager has run since the last: nothing else
 * changes a unit's state. What the manager does while a question is answered
 * may be missed; so there are more of them, further and further apart.
 */
function unitLoop(unit: string, user: string | undefined): string {
  const show = systemctlCommand(
    `--no-pager show ${shellQuote(unit)} --property=ActiveState`,
    user,
  );
  const jobs = systemctlCommand("list-jobs --full 2>&1", user);
  return [
    READY_TO_PAUSE,
    `vw_manager=${managerOf(user)}`,
    // A kernel that does not count a process's turns gets more questions.
    "vw_turns() { read -r _ _ vw_now </proc/$vw_manager/schedstat || " +
    "vw_now=$((vw_asked += 1)); } 2>/dev/null",
    `vw_asked=0; vw_gap=${SHORTEST_GAP}`,
    "while :; do",
    `vw_state=$(${show})`,
    "case $vw_state in *=active|*=failed) break ;; *=inactive)",
    `case $(${jobs}) in *"No jobs"*)`,
    // It may have become active between the two questions.
    `vw_state=$(${show}); [ "$vw_state" = ActiveState=inactive ] && break`,
    ";; esac ;; esac",
    // The manager says farewell to who has asked.
    `${pause(LOOK_INTERVAL)}; vw_turns; vw_old=$vw_now; vw_looks=0`,
    `while ${pause(LOOK_INTERVAL)}; (( (vw_looks += 1) < vw_gap )); do`,
    "vw_turns",
    `[ "$vw_now" = "$vw_old" ] || (( vw_looks < ${SHORTEST_GAP} )) || ` +
    `{ vw_gap=${SHORTEST_GAP}; continue 2; }`,
    "done",
    `vw_gap=$((vw_gap < ${LONGEST_GAP} ? 2 * vw_gap : vw_gap))`,
    "done",
    'printf %s "${vw_state#*=}"',
  ].join("\n");
}

/** A word for the process that keeps the units. */
function managerOf(user: string | undefined): string {
  if (user === undefined) return "1";
  const show = "systemctl show --property=MainPID --value";
  return `$(${show} "user@$(id -u ${shellQuote(user)}).service")`;
}

function refusal(
  what: string,
  unit: string,
  user: string | undefined,
  status: number,
): string {
  return `retrieving systemctl ${what} for unit "${unit}"` +
    (user === undefined ? "" : ` under user "${user}"`) +
    ` failed with exit code ${status}`;
}
