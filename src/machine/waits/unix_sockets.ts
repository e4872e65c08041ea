import { shellQuote } from "../../shell/mod.ts";
import type { MachineCore } from "../core.ts";
import type { WaitOptions } from "./timeout.ts";
import { isTurn, waitFor } from "./waits.ts";

/**
 * How many looks at a UNIX socket there are for each look that starts a
 * process.
 */
const LOOKS_PER_PROCESS = 3;
/** Flags and type of a listening stream socket in `/proc/net/unix`. */
const STREAM = "00010000 0001";
/** The same of a datagram socket, which receives as soon as it has a name. */
const DATAGRAM = "00000000 0002";

/** Reads the kernel's table of UNIX sockets. */
const TABLE = "mapfile -t vw_unix </proc/net/unix";

/** See {@linkcode BaseMachine.waitForOpenUnixSocket}. */
export function waitForOpenUnixSocket(
  core: MachineCore,
  addr: string,
  options: WaitOptions & { isDatagram?: boolean },
): Promise<void> {
  const { isDatagram = false } = options;
  const kind = isDatagram ? "datagram" : "stream";
  const sort = isDatagram ? DATAGRAM : STREAM;
  const text = `waiting for UNIX-domain ${kind} on '${addr}'`;
  if (addr.startsWith("@")) {
    return waitFor(core, text, "vw_listens", options, {
      prepare: abstractLook(addr, sort),
      seen: `${TABLE}; printf '%s\\n' "\${vw_unix[@]}"`,
      tell: (table) => tellAbstract(addr, kind, sort, table),
    });
  }
  const path = shellQuote(addr);
  const flags = isDatagram ? "-z -uU" : "-z -U";
  return waitFor(
    core,
    text,
    // The table does not have sockets of another network namespace, or with a
    // relative path. A program that connects can find those, if the guest has
    // one.
    `{ [ -S ${path} ] && { vw_listens || { ${isTurn(LOOKS_PER_PROCESS)} && ` +
      `type -P nc && nc ${flags} ${path}; } >/dev/null 2>&1; }; }`,
    options,
    {
      prepare: pathLook(addr, sort),
      seen: `ls -la -- ${path} 2>&1`,
    },
  );
}

/**
 * A function of the shell that finds a socket by its path, or by another path
 * of the same file.
 */
function pathLook(path: string, sort: string): string {
  const name = shellQuote(path.slice(path.lastIndexOf("/") + 1));
  const quoted = shellQuote(path);
  return [
    "vw_listens() {",
    TABLE,
    // Searching the whole text is much faster than searching each line.
    `[[ "\${vw_unix[*]}" == */${name}* ]] || return 1`,
    'for vw_line in "${vw_unix[@]}"; do',
    `[[ $vw_line == *" ${sort} "*/${name} ]] || continue`,
    // An abstract name may look like a path.
    "[[ ${vw_line%%/*} != *@* ]] || continue",
    `[ "/\${vw_line#*/}" -ef ${quoted} ] && return`,
    "done",
    "return 1",
    "}",
  ].join("\n");
}

/**
 * A function of the shell that finds an abstract socket by its name. The kernel
 * prints each NUL as `@`, also those at the end of a name that fills the
 * address.
 */
function abstractLook(addr: string, sort: string): string {
  const name = shellQuote(addr);
  return [
    "vw_listens() {",
    TABLE,
    `[[ "\${vw_unix[*]}" == *" "${name}* ]] || return 1`,
    'for vw_line in "${vw_unix[@]}"; do',
    `[[ $vw_line == *" ${sort} "*" "${name}*(@) ]] && return`,
    "done",
    "return 1",
    "}",
  ].join("\n");
}

/** Lists the existing abstract sockets, as a sentence. */
export function tellAbstract(
  addr: string,
  kind: string,
  sort: string,
  table: string,
): string {
  const names = new Set<string>();
  for (const line of table.split("\n")) {
    const name = /^\S+ \S+ \S+ (\S+ \S+) \S+ +\d+ (@.*)$/.exec(line);
    if (name?.[1] === sort) names.add(name[2].replace(/(?!^)@+$/, ""));
  }
  return `nobody has the abstract ${kind} socket ${addr}; there are: ${
    [...names].sort().join(", ") || "none"
  }`;
}
