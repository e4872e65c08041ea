import type { QmpClient } from "../../qmp/mod.ts";

/** Seconds that QEMU may take for an answer. */
const ANSWER = 2;
/** Seconds that QEMU may take to write the guest's memory to a file. */
const DUMP = 120;

/** QEMU's version, as `7.2.22`. */
export async function qemuVersion(qmp: QmpClient): Promise<string> {
  const { qemu } = await qmp.send("query-version") as {
    qemu: Record<string, number>;
  };
  return `${qemu.major}.${qemu.minor}.${qemu.micro}`;
}

/**
 * What QEMU says of a guest, for the search for a failure's cause: a heading
 * and an answer for each question. An error is an answer, too.
 */
export async function qemuReport(qmp: QmpClient): Promise<string> {
  const ask = async (command: string, args?: Record<string, unknown>) => {
    const name = args === undefined ? command : Object.values(args).join(" ");
    try {
      const answer = await qmp.send(command, args, { timeout: ANSWER });
      const shown = typeof answer === "string"
        ? answer.replaceAll("\r", "").trimEnd()
        : JSON.stringify(answer, null, 2);
      return `\n==> QEMU: ${name}\n${shown}\n`;
    } catch (error) {
      return `\n==> QEMU: ${name}\n${(error as Error).message}\n`;
    }
  };
  const monitor = (line: string) =>
    ask("human-monitor-command", { "command-line": line });
  const answers = await Promise.all([
    ask("query-version"),
    ask("query-status"),
    ask("query-cpus-fast"),
    monitor("info network"),
    monitor("info block"),
  ]);
  return answers.join("");
}

/**
 * Writes the guest's memory to a file, as an ELF core. This stops the guest.
 *
 * @param path The absolute path of the file.
 */
export async function dumpMemory(qmp: QmpClient, path: string): Promise<void> {
  await qmp.send(
    "dump-guest-memory",
    { paging: false, protocol: `file:${path}` },
    { timeout: DUMP },
  );
}
