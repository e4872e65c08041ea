import { shellQuote } from "../backend/mod.ts";
import { TestFailure, UsageError } from "../report/mod.ts";
import { checkTimeout, delay } from "../time/mod.ts";
import type { MachineCore } from "./core.ts";
import { untilHolds } from "./guest_loop.ts";
import { DEFAULT_TIMEOUT, type WaitOptions } from "./timeout.ts";

/** What waits for TCP ports take. */
export interface PortOptions extends WaitOptions {
  /** The address as the guest sees it; `localhost` by default. */
  addr?: string;
}

/** What the wait for a UNIX socket takes. */
export interface UnixSocketOptions extends WaitOptions {
  /** Whether it is a datagram socket; a stream by default. */
  isDatagram?: boolean;
}

/** Who listens on TCP ports, for the message of a failure. */
const LISTENERS =
  "if command -v ss >/dev/null; then ss -tln; else cat /proc/net/tcp; fi";

/** Seconds between two asks of what costs a process or a picture. */
const SHORTEST_PAUSE = 0.05;

/** See {@linkcode BaseMachine.waitForFile}. */
export function waitForFile(
  core: MachineCore,
  filename: string,
  options: WaitOptions,
): Promise<void> {
  const quoted = shellQuote(filename);
  // A name that means something to a shell may be meant for one, or not: what
  // is no word of a shell, as with a single quote, is only itself.
  const exists = /[*?[\]$`~"'\\{}]/.test(filename)
    ? `{ [ -e ${quoted} ] || { set +u; set --; eval ${
      shellQuote(`set -- ${filename}`)
    }; [ -e "\${1-}" ]; }; }`
    : `[ -e ${quoted} ]`;
  return waitFor(core, `waiting for file '${filename}'`, exists, options, {
    seen: `ls -lad -- ${quoted} "$(dirname -- ${quoted})" 2>&1`,
  });
}

/** See {@linkcode BaseMachine.waitForOpenPort}. */
export function waitForOpenPort(
  core: MachineCore,
  port: number,
  options: PortOptions,
): Promise<void> {
  const { addr = "localhost" } = options;
  return waitFor(
    core,
    `waiting for TCP port ${port} on ${addr}`,
    portLook("open", port, addr),
    options,
    { seen: LISTENERS },
  );
}

/** See {@linkcode BaseMachine.waitForClosedPort}. */
export function waitForClosedPort(
  core: MachineCore,
  port: number,
  options: PortOptions,
): Promise<void> {
  const { addr = "localhost" } = options;
  return waitFor(
    core,
    `waiting for TCP port ${port} on ${addr} to be closed`,
    portLook("closed", port, addr),
    options,
    { seen: LISTENERS },
  );
}

/** See {@linkcode BaseMachine.waitForOpenUnixSocket}. */
export function waitForOpenUnixSocket(
  core: MachineCore,
  addr: string,
  options: UnixSocketOptions,
): Promise<void> {
  const { isDatagram = false } = options;
  const path = shellQuote(addr);
  const flags = isDatagram ? "-z -uU" : "-z -U";
  return waitFor(
    core,
    `waiting for UNIX-domain ${
      isDatagram ? "datagram" : "stream"
    } on '${addr}'`,
    // A look that costs no process comes first.
    `{ [ -S ${path} ] && ${isTurn(LOOKS_PER_PROCESS)} && ` +
      `nc ${flags} ${path} >/dev/null 2>&1; }`,
    options,
    { seen: `ls -la -- ${path} 2>&1` },
  );
}

/**
 * Waits in the guest until `condition` holds.
 *
 * @param how.seen A command that shows what there is instead.
 */
export function waitFor(
  core: MachineCore,
  text: string,
  condition: string,
  options: WaitOptions,
  how: { seen: string },
): Promise<void> {
  const { timeout = DEFAULT_TIMEOUT } = options;
  const { seen } = how;
  return core.nested(text, async () => {
    const { status, timedOut } = await core.run(
      untilHolds(condition),
      { timeout },
    );
    if (status === 0) return;
    throw new TestFailure(
      `${text} ` +
        (timedOut
          ? `timed out after ${timeout} seconds`
          : `ended with status ${status}`) +
        `; last seen:\n${await core.observe(seen)}`,
    );
  });
}

/** Waits until what a loop in the guest reports, NUL after NUL, fits. */
export function waitForReport(
  core: MachineCore,
  text: string,
  failure: string,
  loop: string,
  accept: (report: string) => boolean,
  options: WaitOptions,
): Promise<void> {
  const { timeout = DEFAULT_TIMEOUT } = options;
  const found = new DOMException("What was waited for is there", "AbortError");
  return core.nested(text, async () => {
    const stop = new AbortController();
    const decoder = new TextDecoder();
    let report = "";
    let last = "nothing";
    try {
      await core.run(loop, {
        timeout,
        signal: stop.signal,
        onStdout: (chunk) => {
          const reports = (report + decoder.decode(chunk, { stream: true }))
            .split("\0");
          report = reports.pop()!;
          for (last of reports) if (accept(last)) stop.abort(found);
        },
      });
    } catch (error) {
      if (error === found) return;
      throw error;
    }
    throw new TestFailure(
      `${failure} in ${timeout} seconds; last seen:\n${last}`,
    );
  });
}

/** Asks again and again, at a pace set by what asking costs. */
export function askUntil<T>(
  core: MachineCore,
  text: string,
  failure: string,
  ask: (check: () => Promise<void>) => Promise<T>,
  accept: (answer: T) => boolean,
  options: WaitOptions,
): Promise<void> {
  const { timeout = DEFAULT_TIMEOUT } = options;
  checkTimeout(timeout);
  return core.whileUp((signal, check) =>
    core.nested(text, async () => {
      const began = performance.now();
      while (true) {
        const asked = performance.now();
        const answer = await ask(check);
        if (accept(answer)) return;
        const now = performance.now();
        if (now - began > timeout * 1000) {
          const seen = typeof answer === "string"
            ? answer
            : JSON.stringify(answer);
          throw new TestFailure(
            `${failure} in ${timeout} seconds; last seen:\n${seen}`,
          );
        }
        await delay(Math.max(SHORTEST_PAUSE, (now - asked) / 1000), signal);
      }
    })
  );
}

/** Looks at the guest's own ports after which one connects, whatever they say. */
const LOOKS_PER_CONNECTION = 12;
/** Looks at a UNIX socket for one that starts a process. */
const LOOKS_PER_PROCESS = 3;

/** Addresses of which the guest's table of ports tells. */
const OWN_ADDRESSES = ["localhost", "127.0.0.1", "::1"];

/** Whether a TCP port is as it is wanted, by builtins of bash. */
function portLook(
  wanted: "open" | "closed",
  port: number,
  addr: string,
): string {
  const not = wanted === "open" ? "" : "! ";
  const connects = `${not}${portOpen(port, addr)}`;
  if (!OWN_ADDRESSES.includes(addr)) return connects;
  // A server that is to be closed should not have to take a connection for
  // every look. The table does not know of ports that are redirected, and is
  // only looked at when there are more sockets or less.
  return [
    `{ ${COUNT_SOCKETS}`,
    `if ${isTurn(LOOKS_PER_CONNECTION)}; then ${connects}`,
    'elif [ "${vw_count[*]}" = "${vw_counted-}" ]; then false',
    `elif ${not}${listed(port)}; then ${connects}`,
    "else vw_counted=${vw_count[*]}; false; fi; }",
  ].join("\n");
}

/** Whether this is the first of so many looks, for what costs more than one. */
export function isTurn(looks: number): string {
  return `(( (vw_looks = (\${vw_looks:-0} + 1) % ${looks}) == 1 ))`;
}

/** Counts the guest's sockets, which costs less than the table of them. */
const COUNT_SOCKETS = "mapfile -t vw_count </proc/net/sockstat; " +
  "mapfile -t -O ${#vw_count[@]} vw_count </proc/net/sockstat6";

/** Whether the guest's own table has somebody listening on a TCP port. */
function listed(port: number): string {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const listens = [8, 32].map((digits) =>
    `[[ "\${vw_tcp[*]}" == *:"${hex} ${"0".repeat(digits)}:0000 0A "* ]]`
  );
  return "{ vw_tcp=(); mapfile -t vw_tcp </proc/net/tcp; " +
    "mapfile -t -O ${#vw_tcp[@]} vw_tcp </proc/net/tcp6; " +
    `${listens.join(" || ")}; }`;
}

/** Whether a TCP port takes connections: a builtin of bash. */
function portOpen(port: number, addr: string): string {
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new UsageError(`Expected a TCP port from 0 to 65535, got ${port}`);
  }
  const hosts = addr === "localhost" ? ["127.0.0.1", "::1"] : [addr];
  const tries = hosts.map((host) =>
    `{ : 3<>${shellQuote(`/dev/tcp/${host}/${port}`)}; }`
  );
  return `{ ${tries.join(" || ")}; }`;
}
