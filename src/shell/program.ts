import { opensStderr, opensStdout } from "./named_streams.ts";

/** How a command comes into the guest, and where its streams lead there. */
export interface Streams {
  /**
   * Where stdout leads: to the port that the command came on, to a pipe beside
   * it, or to a file if the command came over the console.
   */
  stdout: "port" | "pipe" | "file";
  /**
   * `serial`, `merge` for stdout, the device number of a port, or `file` if the
   * command came over the console.
   */
  stderr: string;
  /** Whether stdin is the port that the command came on; else it is empty. */
  stdin: boolean;
}

/** Where a runner has the streams that are not at 1 and 2, and moves them there. */
const LEADS = { port: [], pipe: [">&8-"], file: [">&8- 2>&4-"] };

/**
 * The program that a runner in the guest evaluates before the command itself.
 * It has few words, so that a command begins soon. It is ASCII, so that its
 * characters are its bytes in every locale. See `guest/runner.sh`, and
 * `vw_through_pipe` and `vw_job` for the descriptors that a runner has.
 */
export function programOf(
  command: string,
  { stdout, stderr, stdin }: Streams,
): string {
  const leads = [...(stdin ? ["<&1"] : []), ...LEADS[stdout]];
  const pipes: string[] = [];
  const isMerged = stderr === "merge";
  if (isMerged) leads.push("2>&1");
  else if (stderr !== "serial" && stderr !== "file") {
    const device = `/dev/vport${stderr}`;
    if (opensStderr(command)) {
      pipes.push(pipeTo(`4<>${device}`, 4));
      leads.push("2>&4-");
    } else leads.push(`2>${device}`);
  }
  if (stdout === "file") {
    const isNamed = opensStdout(command) || isMerged && opensStderr(command);
    if (isNamed) pipes.push(pipeTo("", 8));
    if (stderr === "file" && opensStderr(command)) pipes.push(pipeTo("", 4));
  }
  const quoted = command.replaceAll("'", "'\\''")
    .replace(/[^\0-\x7f]+/g, (text) => `'$'${octal(text)}''`);
  return pipes.join("") +
    (leads.length > 0 ? `exec ${leads.join(" ")};` : "") +
    "BASH_ARGV0=bash BASH_SUBSHELL=0 SECONDS=0 " +
    `BASH_EXECUTION_STRING='set -euo pipefail; ${quoted}'`;
}

/**
 * Opens a pipe from which another process copies to what is at `fd`, and puts the
 * pipe in its place. The process is no child of the command's shell, which would
 * wait for it, and a timeout's SIGTERM doesn't end it before the command. From its
 * first moment it has what it copies to as its stdout, by which it is found when
 * the command has ended, however slow it is to start. Without cat, there is no
 * pipe.
 */
function pipeTo(open: string, fd: number): string {
  return `${open === "" ? "" : `exec ${open};`}` +
    "type -P cat >/dev/null && { shopt -s lastpipe; " +
    ": | exec 3<>/proc/self/fd/0; shopt -u lastpipe; " +
    "{ ( (trap '' TERM; exec cat </proc/self/fd/3 2>&- 3>&- 4>&- 8>&-) & ); } " +
    `>&${fd}; ` +
    `exec ${fd}>/proc/self/fd/3 3>&-; };`;
}

/** The bytes of `text` as `$'…'` takes them. */
function octal(text: string): string {
  return Array.from(
    new TextEncoder().encode(text),
    (byte) => `\\${byte.toString(8)}`,
  ).join("");
}

/**
 * The bytes of a program for a runner, after the runner's process number and
 * the program's length. By the number, a runner recognises the rest of a frame
 * for another runner.
 */
export function frameOf(program: string, runner: number): Uint8Array {
  return new TextEncoder().encode(
    String(runner).padEnd(8) + String(program.length).padStart(8) + program,
  );
}
