import { shellQuote } from "../../shell/mod.ts";
import { TestFailure } from "../../errors.ts";
import { nearest } from "../../report/mod.ts";
import { limitOf } from "../../time/mod.ts";
import { execute } from "../commands/commands.ts";
import type { MachineCore } from "../core.ts";
import { withLook } from "../last_look.ts";
import { pause, READY_TO_PAUSE } from "./guest_loop.ts";
import { glimpseText, observe } from "../commands/glimpse.ts";
import { decode } from "../commands/output.ts";
import { DEFAULT_TIMEOUT, LAST_LOOK, type WaitOptions } from "./timeout.ts";

/** Options of waits for systemd units. */
export interface UnitOptions extends WaitOptions {
  /** The user whose manager has the unit; absent for the system's manager. */
  user?: string;
}

/**
 * How many looks at systemd there are between two questions to it, at least and
 * about at most.
 */
const SHORTEST_GAP = 3;
const LONGEST_GAP = 48;
/** Seconds between two looks. */
const LOOK_INTERVAL = 0.06;
/** Seconds between two questions to a manager that does not answer. */
const AWAY_INTERVAL = 0.3;
/**
 * Seconds that systemctl may take to tell a unit's state, for the message of a
 * failure.
 */
const STATUS_TIMEOUT = 30;
/** How many lines of the unit's journal that message quotes. */
const JOURNAL_LINES = 20;

/** The properties of a unit that a wait looks at. */
const PROPERTIES = [
  "ActiveState",
  "AssertResult",
  "AssertTimestampMonotonic",
  "ConditionResult",
  "ConditionTimestampMonotonic",
  "ExecMainCode",
  "ExecMainStartTimestampMonotonic",
  "ExecMainStatus",
  "Job",
  "LoadError",
  "LoadState",
  "Result",
  "Type",
];

/**
 * The results of a wait for a unit: `refused` if systemctl will never answer,
 * `unmet` if a condition of the unit has failed, `ended` if a oneshot has
 * succeeded and is over, `idle` if nothing starts it.
 */
type Verdict =
  | "active"
  | "failed"
  | "not loaded"
  | "unmet"
  | "ended"
  | "idle"
  | "refused";

/**
 * The shell command for `systemctl`, for the system's or for a user's manager.
 */
export function systemctlCommand(query: string, user?: string): string {
  if (user === undefined) return `systemctl ${query}`;
  const inner = `XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user ${query}`;
  return `su -l ${shellQuote(user)} --shell /bin/sh -c ${shellQuote(inner)}`;
}

/** Reads the output of `systemctl show`. */
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
  const { user } = options;
  const timeout = limitOf(options.timeout, DEFAULT_TIMEOUT);
  const whose = user === undefined ? "" : ` with user ${user}`;
  return core.waiting(`waiting for unit ${unit}${whose}`, async () => {
    const { timedOut, stdout } = await withLook(
      core.name,
      () => glimpseText(core, statusCommand(unit, user)),
      () => core.run(unitLoop(unit, user), { timeout }),
    );
    if (timedOut) {
      // A slow guest may not have looked even once.
      const { status } = await core.run(
        systemctlCommand(`is-active --quiet -- ${shellQuote(unit)}`, user),
        { timeout: LAST_LOOK },
      );
      if (status === 0) return;
      throw new TestFailure(
        `unit "${unit}" did not become active in ${timeout} seconds` +
          await lastStatus(core, unit, user),
      );
    }
    const [verdict, status, ...said] = decode(stdout).split("\n");
    if (verdict === "active") return;
    throw new TestFailure(
      await complaint(core, unit, user, {
        verdict: verdict as Verdict,
        status: Number(status),
        said: said.join("\n").trim(),
      }),
    );
  });
}

/** Explains why a unit is not active, and will not become so. */
async function complaint(
  core: MachineCore,
  unit: string,
  user: string | undefined,
  { verdict, status, said }: { verdict: Verdict; status: number; said: string },
): Promise<string> {
  const properties = parseProperties(said);
  switch (verdict) {
    case "not loaded":
      return `unit "${unit}" ${await unloaded(core, unit, user, properties)}`;
    case "failed":
      return `unit "${unit}" reached state "failed"${howFailed(properties)}` +
        await lastStatus(core, unit, user);
    case "unmet":
      return `unit "${unit}" was not started: a condition or assertion of its ` +
        `own was not met` + await lastStatus(core, unit, user);
    case "ended":
      return `unit "${unit}" is inactive: it ran and ended well; ` +
        "only RemainAfterExit=yes keeps a oneshot active";
    case "idle": {
      // systemd forgets a unit that nothing needs; the journal still has its
      // end.
      const last = await lastStatus(core, unit, user);
      const well = /: (Deactivated successfully|Succeeded)\.$/m.test(last)
        ? "; it ran and ended well"
        : "";
      return `unit "${unit}" is inactive and there are no pending jobs` +
        well + last;
    }
    default:
      return refusal("property", unit, user, status) +
        (said === "" ? "" : `; it said:\n${said}`);
  }
}

/** systemd's state of a unit that it has not loaded. */
async function unloaded(
  core: MachineCore,
  unit: string,
  user: string | undefined,
  { LoadState, LoadError }: Record<string, string>,
): Promise<string> {
  if (LoadState === "masked") return "is masked";
  if (LoadState !== "not-found") {
    return `can't be loaded (${LoadState}): ${LoadError ?? "no reason given"}`;
  }
  // systemctl would read all unit files, which takes half a minute in a slow
  // guest.
  const kind = user === undefined ? "system" : "user";
  const files = await observe(
    core,
    `printf '%s\\n' {/etc,/run,/usr/lib,/lib}/systemd/${kind}/*`,
  );
  const meant = meantUnit(unit, files.split("\n"));
  return "is not found" +
    (meant === undefined ? "" : `; did you mean ${meant}?`);
}

/** Finds the unit file that the author most likely meant. */
export function meantUnit(unit: string, files: string[]): string | undefined {
  const [, name, suffix = ".service"] = /^(.*?)(\.\w+)?$/s.exec(unit)!;
  const names = files.map((path) => path.slice(path.lastIndexOf("/") + 1));
  const known = names.filter((file) => file.endsWith(suffix)).map((file) =>
    file.slice(0, -suffix.length)
  );
  const meant = nearest(name, known);
  if (meant !== undefined) return meant + suffix;
  // Without a suffix, it would be a service.
  return names.find((file) => /^\.[a-z]+$/.test(file.replace(unit, "")));
}

/** How a unit's main process has ended, with systemd's word for it. */
function howFailed(
  { Result, ExecMainCode, ExecMainStatus }: Record<string, string>,
): string {
  if (Result === undefined) return "";
  const how = {
    1: `exit code ${ExecMainStatus}`,
    2: `killed by signal ${ExecMainStatus}`,
    3: `killed by signal ${ExecMainStatus}, with a core dump`,
  }[ExecMainCode];
  return ` (${how === undefined ? "" : `${how}, `}result "${Result}")`;
}

/** The status of a unit with its journal, as the end of a message. */
async function lastStatus(
  core: MachineCore,
  unit: string,
  user: string | undefined,
): Promise<string> {
  const now = await observe(core, statusCommand(unit, user), STATUS_TIMEOUT);
  return `; its last status:\n${now}`;
}

/** Prints what systemctl says of a unit, journal and all. */
function statusCommand(unit: string, user: string | undefined): string {
  const query = `--no-pager --full --lines=${JOURNAL_LINES} status ` +
    `-- ${shellQuote(unit)} 2>&1`;
  return systemctlCommand(query, user);
}

/** See {@linkcode BaseMachine.getUnitInfo}. */
export async function getUnitInfo(
  core: MachineCore,
  unit: string,
  user?: string,
): Promise<Record<string, string>> {
  const [status, lines] = await execute(
    core,
    systemctlCommand(`--no-pager show -- ${shellQuote(unit)}`, user),
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
      `--no-pager show --property=${shellQuote(property)} -- ` +
        shellQuote(unit),
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
      const properties = await getUnitInfo(core, unit);
      const { ActiveState: state, LoadState } = properties;
      if (state === wanted) return;
      const why = LoadState === "loaded"
        ? await lastStatus(core, unit, undefined)
        : `; it ${await unloaded(core, unit, undefined, properties)}`;
      throw new TestFailure(
        `Expected unit '${unit}' to be in state '${wanted}' ` +
          `but it is in state '${state}'${why}`,
      );
    },
  );
}

/**
 * Waits in the guest until a unit is active or can't become so any more, and
 * prints the verdict, the status of systemctl and its last output. A question
 * costs a process, and work of the manager. So the script asks again only when
 * the manager has run since the last question: nothing else changes a unit's
 * state. It may miss what the manager does while it answers a question; so it
 * asks some more questions, at growing intervals.
 *
 * There is no answer while the manager executes itself again, while the bus
 * restarts, or while a user has no manager yet. That passes.
 */
function unitLoop(unit: string, user: string | undefined): string {
  const show = systemctlCommand(
    `--no-pager show --property=${PROPERTIES.join()} -- ${shellQuote(unit)}`,
    user,
  );
  const jobs = systemctlCommand("list-jobs --full 2>&1", user);
  const has = (property: string) => `*$'\\n'${property}$'\\n'*`;
  const hasTime = (property: string) => `*$'\\n'${property}=[1-9]*`;
  const unmet = (what: string) =>
    `[[ $vw_said == ${has(`${what}Result=no`)} ` +
    `&& $vw_said == ${hasTime(`${what}TimestampMonotonic`)} ]]`;
  return [
    READY_TO_PAUSE,
    // If the kernel does not count how often a process runs, the script asks
    // more often.
    "vw_turns() { read -r _ _ vw_now </proc/$vw_manager/schedstat || " +
    "vw_now=$((vw_asked += 1)); } 2>/dev/null",
    "vw_judge() {",
    "vw_verdict=",
    "case $vw_said in",
    `${has("ActiveState=active")}) vw_verdict=active; return ;;`,
    // A pending job will change the unit's state.
    `${hasTime("Job")}) return ;;`,
    `${has("ActiveState=failed")}) vw_verdict=failed; return ;;`,
    `${has("ActiveState=inactive")}) ;;`,
    "*) return ;;",
    "esac",
    `if [[ $vw_said != ${has("LoadState=loaded")} ]]; then`,
    'vw_verdict="not loaded"',
    `elif ${unmet("Condition")} || ${unmet("Assert")}; then`,
    "vw_verdict=unmet",
    `elif [[ $vw_said == ${has("Type=oneshot")} && ` +
    `$vw_said == ${has("Result=success")} && ` +
    `$vw_said == ${hasTime("ExecMainStartTimestampMonotonic")} ]]; then`,
    "vw_verdict=ended",
    `elif [[ $(${jobs}) == *"No jobs"* ]]; then`,
    "vw_verdict=idle",
    "fi",
    "}",
    `vw_asked=0 vw_gap=${SHORTEST_GAP} vw_before= vw_manager=`,
    "while :; do",
    `vw_status=0; vw_said=$'\\n'$({ ${show}; } 2>&1)$'\\n' || vw_status=$?`,
    "if [[ $vw_said != *$'\\n'ActiveState=* ]]; then",
    `if ${neverAnswers(user)}; then vw_verdict=refused; break; fi`,
    // The next manager is another process, without a verdict so far.
    `vw_manager= vw_before=; ${pause(AWAY_INTERVAL)}; continue`,
    "fi",
    "vw_judge",
    'case $vw_verdict in active|failed) break ;; "") ;; *)',
    // The unit may have become active between two questions, or the manager may
    // have read it again.
    '[ "$vw_verdict" = "$vw_before" ] && break',
    "vw_before=$vw_verdict; continue ;;",
    "esac",
    "vw_before=",
    `[ -n "$vw_manager" ] || vw_manager=${managerOf(user)} || vw_manager=0`,
    // The manager is closing the connection.
    `${pause(LOOK_INTERVAL)}; vw_turns; vw_old=$vw_now; vw_looks=0`,
    `while ${pause(LOOK_INTERVAL)}; (( (vw_looks += 1) < vw_gap )); do`,
    "vw_turns",
    `[ "$vw_now" = "$vw_old" ] || (( vw_looks < ${SHORTEST_GAP} )) || ` +
    `{ vw_gap=${SHORTEST_GAP}; continue 2; }`,
    "done",
    `vw_gap=$((vw_gap < ${LONGEST_GAP} ? 2 * vw_gap : vw_gap))`,
    "done",
    'printf "%s\\n" "$vw_verdict" "$vw_status" "$vw_said"',
  ].join("\n");
}

/**
 * Whether systemctl can't run, the guest has no systemd, no unit can have this
 * name, or there is no such user.
 */
function neverAnswers(user: string | undefined): string {
  return "(( vw_status > 125 )) || [ ! -d /run/systemd/system ] || " +
    '[[ $vw_said == *"Unit name"* || $vw_said == *"mangle name"* ]]' +
    (user === undefined ? "" : ` || ! id -u ${shellQuote(user)} >&2`);
}

/** The script's word for the process of the manager. */
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
