import { shellQuote } from "../../shell/mod.ts";
import { UsageError } from "../../errors.ts";
import type { MachineCore } from "../core.ts";
import type { WaitOptions } from "./timeout.ts";
import { isTurn, waitFor } from "./waits.ts";

/** Options of waits for TCP ports. */
export interface PortOptions extends WaitOptions {
  /**
   * The address, as the guest sees it.
   *
   * @default {"localhost"}
   */
  addr?: string;
}

/** How many looks at the guest's own ports there are for each connection. */
const LOOKS_PER_CONNECTION = 12;
/** Seconds that a connection may take. */
const LONGEST_CONNECTION = 1;
/** After so many connections in a row without an answer, a port is closed. */
const SILENT_CONNECTIONS = 3;

/** The addresses that the guest's table of ports covers. */
const OWN_ADDRESSES = ["localhost", "127.0.0.1", "::1"];
const isOwnAddress = (addr: string) => OWN_ADDRESSES.includes(addr);

/** See {@linkcode BaseMachine.waitForOpenPort}. */
export function waitForOpenPort(
  core: MachineCore,
  port: number,
  options: PortOptions,
): Promise<void> {
  return waitForPort(core, "open", port, options);
}

/** See {@linkcode BaseMachine.waitForClosedPort}. */
export function waitForClosedPort(
  core: MachineCore,
  port: number,
  options: PortOptions,
): Promise<void> {
  return waitForPort(core, "closed", port, options);
}

function waitForPort(
  core: MachineCore,
  wanted: "open" | "closed",
  port: number,
  options: PortOptions,
): Promise<void> {
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new UsageError(`Expected a TCP port from 0 to 65535, got ${port}`);
  }
  const { addr = "localhost" } = options;
  const isOwn = isOwnAddress(addr);
  return waitFor(
    core,
    `waiting for TCP port ${port} on ${addr}` +
      (wanted === "open" ? "" : " to be closed"),
    isOwn ? ownPortLook(wanted, port) : `vw_${wanted}`,
    options,
    {
      prepare: connector(port, addr),
      seen: isOwn
        ? "for vw_table in /proc/net/tcp{,6}; do mapfile -t vw_tcp <$vw_table; " +
          'printf "%s\\n" "${vw_tcp[@]}"; done 2>/dev/null' +
          (wanted === "open"
            ? `; printf "= "; ${connectionSeen(port, addr)}`
            : "")
        : connectionSeen(port, addr),
      tell: (output) => {
        if (!isOwn) return tellConnection(port, addr, output);
        const [tables, said = "connected"] = output.split(/^= ?/m);
        return tellListeners(port, addr, tables, said);
      },
    },
  );
}

/**
 * Whether a port of the guest itself is open, or closed, as the caller wants.
 */
function ownPortLook(wanted: "open" | "closed", port: number): string {
  // A server that is about to close should not get a connection for each look.
  // The table does not have redirected ports, and this reads it only if the
  // number of sockets has changed.
  return [
    `{ ${COUNT_SOCKETS}`,
    `if ${isTurn(LOOKS_PER_CONNECTION)}; then vw_${wanted}`,
    'elif [ "${vw_count[*]}" = "${vw_counted-}" ]; then false',
    `elif ${wanted === "open" ? "" : "! "}${listed(port)}; then vw_${wanted}`,
    "else vw_counted=${vw_count[*]}; false; fi; }",
  ].join("\n");
}

/** Counts the guest's sockets, which costs less than reading their table. */
const COUNT_SOCKETS = "mapfile -t vw_count </proc/net/sockstat; " +
  "mapfile -t -O ${#vw_count[@]} vw_count </proc/net/sockstat6";

/** Whether the guest's own table has a listening socket for a TCP port. */
function listed(port: number): string {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const listens = [8, 32].map((digits) =>
    `[[ "\${vw_tcp[*]}" == *:"${hex} ${"0".repeat(digits)}:0000 0A "* ]]`
  );
  return "{ vw_tcp=(); mapfile -t vw_tcp </proc/net/tcp; " +
    "mapfile -t -O ${#vw_tcp[@]} vw_tcp </proc/net/tcp6; " +
    `${listens.join(" || ")}; }`;
}

/**
 * Functions of the shell: `vw_connect` connects, and `vw_open` and `vw_closed`
 * judge its result.
 *
 * Bash connects with a builtin, whose time nothing limits: without an answer,
 * the kernel takes two minutes. So a second process connects whenever it reads
 * a line, and the wait ends that process if it takes too long. Otherwise the
 * wait needs only this one process, and no program of the guest. The process
 * ends with the wait, which closes its stdin.
 */
function connector(port: number, addr: string): string {
  return [
    "vw_helper= vw_silent=0",
    "vw_connect() {",
    'if [ -z "$vw_helper" ]; then',
    "coproc vw_look { while read -r; do",
    `if ${connection(port, addr)}; then echo 0; else echo 1; fi`,
    "done 2>/dev/null; }",
    "vw_helper=${vw_look_PID-} vw_to=${vw_look[1]-} vw_from=${vw_look[0]-}",
    "fi",
    'echo >&"$vw_to"',
    `read -r -t ${LONGEST_CONNECTION} -u "$vw_from" vw_said && ` +
    'return "$vw_said"',
    'kill -KILL "$vw_helper"; wait "$vw_helper"',
    "vw_helper=",
    "return 2",
    "}",
    "vw_open() { vw_connect; }",
    "vw_closed() {",
    "vw_connect",
    "case $? in",
    "0) vw_silent=0; false ;;",
    "1) true ;;",
    `*) (( (vw_silent += 1) >= ${SILENT_CONNECTIONS} )) ;;`,
    "esac",
    "}",
  ].join("\n");
}

/** Connects, with builtins of bash. */
function connection(port: number, addr: string): string {
  const hosts = addr === "localhost" ? ["127.0.0.1", "::1"] : [addr];
  const tries = hosts.map((host) =>
    `{ : 3<>${shellQuote(`/dev/tcp/${host}/${port}`)}; }`
  );
  return `{ ${tries.join(" || ")}; }`;
}

/** Prints the result of a connection: bash's error, or nothing. */
function connectionSeen(port: number, addr: string): string {
  return [
    "{",
    `coproc vw_look { ${connection(port, addr)} 2>&1 && echo connected; }`,
    "vw_from=${vw_look[0]-} vw_helper=${vw_look_PID-} vw_said=",
    `while read -r -t ${LONGEST_CONNECTION} -u "$vw_from" vw_line; do`,
    "vw_said=$vw_line",
    "done",
    'kill -KILL "$vw_helper"',
    "} 2>/dev/null",
    'printf %s "$vw_said"',
  ].join("\n");
}

/** Turns the output of {@linkcode connectionSeen} into a sentence. */
function tellConnection(port: number, addr: string, said: string): string {
  const where = `port ${port} of ${addr}`;
  if (said === "") {
    return `nothing answers at ${where} within ${LONGEST_CONNECTION} s`;
  }
  if (said === "connected") return `a process listens on ${where}`;
  // Bash's message begins with its own name and the opened file.
  return `connecting to ${where} fails: ${said.replace(/^.*: /, "")}`;
}

/**
 * Lists the listening sockets of the kernel's tables, as a sentence.
 *
 * @param said The result of a connection. Default: "connected".
 */
export function tellListeners(
  port: number,
  addr: string,
  tables: string,
  said = "connected",
): string {
  const found = listeners(tables);
  const others = found.filter((listener) => listener.port !== port);
  const here = found.filter((listener) => listener.port === port);
  const all = here.some(({ address }) => covers(address, addr))
    ? `a process listens on port ${port} of ${addr}` +
      (said === "connected" ? "" : `, but ${tellConnection(port, addr, said)}`)
    : `nothing listens on port ${port} of ${addr}` +
      here.map(({ address }) => `, though on port ${port} of ${address}`).join(
        "",
      );
  const list = [
    ...new Set(
      others.map(({ port, address }) =>
        isAny(address) ? `${port}` : `${port} (${address})`
      ),
    ),
  ];
  return list.length === 0
    ? `${all}; no other port is open`
    : `${all}; other open ports: ${list.join(", ")}`;
}

const isAny = (address: string) => /^[0:.]+$/.test(address);

/** Whether a socket at `address` takes connections to one of our addresses. */
function covers(address: string, addr: string): boolean {
  // A socket of IPv6 may take those of IPv4, too.
  if (address === "::" || address === addr) return true;
  if (addr === "localhost") return isAny(address) || isOwnAddress(address);
  return addr !== "::1" && isAny(address);
}

/** A listening socket, with its address of one or of four words, and its port. */
const LISTENER = /^ *\d+: ([\dA-F]{8}|[\dA-F]{32}):([\dA-F]{4}) \S+ 0A /gm;

/** The listening sockets in `/proc/net/tcp` and `tcp6`, by their ports. */
function listeners(tables: string): { port: number; address: string }[] {
  return [...tables.matchAll(LISTENER)]
    .map(([, address, port]) => ({
      port: parseInt(port, 16),
      address: addressOf(address),
    }))
    .sort((a, b) => a.port - b.port);
}

/**
 * Decodes an address of the kernel's tables: words of four bytes, each in
 * reverse order.
 */
function addressOf(hex: string): string {
  const bytes = hex.match(/.{8}/g)!.flatMap((word) =>
    word.match(/../g)!.map((byte) => parseInt(byte, 16)).reverse()
  );
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from(
    { length: 8 },
    (_, n) => (bytes[2 * n] << 8 | bytes[2 * n + 1]).toString(16),
  );
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}
