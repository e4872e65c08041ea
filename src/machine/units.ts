import { shellQuote } from "../backend/mod.ts";

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

/**
 * Waits in the guest until a unit is active or can't become so any more, and
 * prints its last state.
 */
export function unitLoop(
  unit: string,
  user: string | undefined,
  pause: string,
): string {
  const show = systemctlCommand(
    `--no-pager show ${shellQuote(unit)} --property=ActiveState`,
    user,
  );
  const jobs = systemctlCommand("list-jobs --full 2>&1", user);
  return [
    "while :; do",
    `vw_state=$(${show})`,
    "case $vw_state in *=active|*=failed) break ;; *=inactive)",
    `case $(${jobs}) in *"No jobs"*)`,
    // It may have become active between the two questions.
    `vw_state=$(${show}); [ "$vw_state" = ActiveState=inactive ] && break`,
    ";; esac ;; esac",
    `${pause}`,
    "done",
    'printf %s "${vw_state#*=}"',
  ].join("\n");
}
