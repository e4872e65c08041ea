import { shellQuote } from "../shell/mod.ts";
import { type FairTime, fairTime } from "./fair_time.ts";
import { fileName } from "./file_name.ts";
import type { MachineCore } from "./core.ts";
import { glimpse } from "./commands/glimpse.ts";
import { decode } from "./commands/output.ts";
import { explainLink } from "./links/link.ts";
import { glimpseScreen } from "./hands/screen.ts";
import { ttyDump, ttyText } from "./hands/tty.ts";

/** The time that a guest's shell may take to report the guest's state. */
const TELLING: FairTime = { least: 7, paces: 25, most: 60 };
/** Lines of the journal, at most. */
const JOURNAL_LINES = 5000;

/** A file about a machine, for the search for a failure's cause. */
export interface Evidence {
  /** Its kind: `screen`, `state`, `journal` or `memory`. */
  readonly kind: "screen" | "state" | "journal" | "memory";
  /** The file's path. */
  readonly path: string;
}

/** What to keep of a machine. */
export interface EvidenceOptions {
  /** Whether to write the guest's memory to a file, too. */
  memory?: boolean;
  /** The end of the files' names, before their kinds. */
  label?: string;
  /** The error that the run reports anyway, and not again as a trouble. */
  error?: unknown;
}

/** Receives the state of a machine when the run failed. */
export interface Findings {
  /** Called for each file. */
  onEvidence(evidence: Evidence): void;
  /** Called with the machine's trouble, as the end of a sentence. */
  onTrouble(trouble: string): void;
}

/**
 * Prints a guest's state, one part after the other. The parts that explain most
 * failures come first, because a slow guest does not get to the end.
 */
const TELL_STATE = `
part() { printf '\\n==> %s\\n' "$*"; "$@" 2>&1; }
if [ -d /run/systemd/system ]; then
vw_failed=$(systemctl --no-legend --plain --failed)
printf '\\n==> systemctl --failed\\n%s\\n' "$vw_failed"
printf '\\n==> end of failed units\\n'
while read -r vw_unit _; do
[ -z "$vw_unit" ] || part systemctl --no-pager --full --lines=50 status "$vw_unit"
done <<<"$vw_failed"
part systemctl --no-pager --full list-jobs
fi
part cat /proc/net/dev
if command -v ip >/dev/null; then
part ip address
part ip route
else
part ifconfig -a
part route -n
fi
if command -v ss >/dev/null; then part ss -tulpn; else part netstat -tuln; fi
part uname -a
part cat /etc/os-release
part cat /proc/uptime /proc/loadavg
part free
part df -h
part cat /proc/mounts
part ps aux
printf '\\n==> end\\n'`;

const TELL_JOURNAL = "if [ -d /run/systemd/system ]; then " +
  `journalctl --no-pager --boot --output=short-monotonic --lines=${JOURNAL_LINES}; ` +
  "else dmesg; fi";

/**
 * Writes the present state of a machine to files beside that of its console:
 * its screen, its state and its journal. It takes a few seconds, and leaves out
 * everything that a broken guest does not report in this time.
 *
 * @param core The machine.
 * @param findings Receives the files.
 * @param options What to keep.
 */
export async function gather(
  core: MachineCore,
  findings: Findings,
  options: EvidenceOptions = {},
): Promise<void> {
  const trouble = core.trouble(options.error).then((what) => {
    if (what !== undefined) findings.onTrouble(what);
  });
  if (!core.booted) return await trouble;
  const base = `${core.context.outDir}/${fileName(core.label)}-${
    options.label ?? "failed"
  }`;
  const keep = async (
    kind: Evidence["kind"],
    suffix: string,
    write: (path: string) => Promise<boolean | void>,
  ) => {
    const path = `${base}${suffix}`;
    try {
      if (await write(path) !== false) findings.onEvidence({ kind, path });
    } catch {
      // The run reports its own failure, not this one.
    }
  };
  const text = (text: Promise<string>) => async (path: string) => {
    const whole = await text;
    if (whole.trim() === "") return false;
    await Deno.writeTextFile(path, whole);
  };
  await Promise.all([
    trouble,
    keep(
      "screen",
      ".png",
      (path) => glimpseScreen(core, path, fairTime(core.pace, TELLING)),
    ),
    keep("state", ".txt", text(state(core, findings))),
    keep(
      "journal",
      "-journal.txt",
      text(
        glimpse(core, TELL_JOURNAL, fairTime(core.pace, TELLING)).then(decode),
      ),
    ),
  ]);
  // This stops the guest, so it comes last.
  if (options.memory) {
    await keep("memory", ".elf", async (path) => {
      const { guest } = core.running();
      if (guest.dumpMemory === undefined) return false;
      await guest.dumpMemory(path);
    });
  }
}

/**
 * The state of a machine, from host and guest, with a heading before each part.
 */
async function state(core: MachineCore, findings: Findings): Promise<string> {
  const seconds = fairTime(core.pace, TELLING);
  const [host, screen, guest] = await Promise.all([
    hostParts(core),
    glimpse(core, ttyDump("1"), seconds).then(ttyText),
    glimpse(core, TELL_STATE, seconds).then(decode),
  ]);
  const failed = /^==> systemctl --failed\n([^]*?)\n==>/m.exec(guest)?.[1]
    .split("\n").map((line) => line.trim().split(/\s+/)[0])
    .filter((unit) => unit !== "");
  if (failed !== undefined && failed.length > 0) {
    findings.onTrouble(
      `has failed units: ${failed.slice(0, 5).join(", ")}${
        failed.length > 5 ? ", …" : ""
      }`,
    );
  }
  const tty = screen.split("\n").map((line) => line.trimEnd()).join("\n")
    .trimEnd();
  const cut = guest !== "" && !guest.trimEnd().endsWith("==> end")
    ? `\n==> cut short after ${seconds.toFixed(0)} seconds\n`
    : "";
  return host + (tty === "" ? "" : `\n==> tty1\n${tty}\n`) +
    guest.replace(/\n==> end of failed units\n/, "")
      .replace(/\n==> end\s*$/, "\n") +
    cut;
}

/** The host's part of the state. */
async function hostParts(core: MachineCore): Promise<string> {
  const { guest } = core.running();
  let out = `==> host\n${Deno.osRelease()}, Deno ${Deno.version.deno}, load ${
    Deno.loadavg().map((load) => load.toFixed(2)).join(" ")
  }\n\n==> start command\n${core.startCommand.text}\n`;
  try {
    const line = Deno.readTextFileSync(`/proc/${guest.pid}/cmdline`);
    out += `\n==> command line of process ${guest.pid}\n${
      line.replace(/\0$/, "").split("\0").map(shellQuote).join(" ")
    }\n`;
  } catch {
    // The process has just ended.
  }
  for (const link of core.links.all) {
    const told = explainLink(link);
    if (told !== undefined) out += `\n==> ${told}\n`;
  }
  return out + (await guest.report?.() ?? "");
}
