/** How a command comes into the guest, and where its streams lead there. */
export interface Streams {
  /** `serial`, `merge` for stdout, or the device number of a port. */
  stderr: string;
  /** Whether stdin is the port that the command came on; else it is empty. */
  stdin: boolean;
  /** Whether the command comes over the console. */
  overConsole?: boolean;
}

/**
 * What a runner in the guest evaluates, before it evaluates the command itself:
 * the fewer words there are, the sooner a command begins. It is ASCII, so that
 * its characters are its bytes in every locale. See `guest/runner.sh` and, for
 * the console, `vw_job` for the descriptors that a runner has.
 */
export function programOf(
  command: string,
  { stderr, stdin, overConsole = false }: Streams,
): string {
  const leads = [
    ...(overConsole ? [">&8- 2>&4-"] : []),
    ...(stderr === "serial"
      ? []
      : [stderr === "merge" ? "2>&1" : `2>/dev/vport${stderr}`]),
    ...(stdin ? ["<&1"] : []),
  ];
  const quoted = command.replaceAll("'", "'\\''")
    .replace(/[^\0-\x7f]+/g, (text) => `'$'${octal(text)}''`);
  return (leads.length > 0 ? `exec ${leads.join(" ")};` : "") +
    "BASH_ARGV0=bash BASH_SUBSHELL=0 SECONDS=0 " +
    `BASH_EXECUTION_STRING='set -euo pipefail; ${quoted}'`;
}

/** The bytes of `text` as `$'…'` takes them. */
function octal(text: string): string {
  return Array.from(
    new TextEncoder().encode(text),
    (byte) => `\\${byte.toString(8)}`,
  ).join("");
}

/**
 * The bytes of a program for a runner, with the runner's process and its length
 * before it: what is left of a frame that another did not read to its end is
 * none for this one.
 */
export function frameOf(program: string, runner: number): Uint8Array {
  return new TextEncoder().encode(
    String(runner).padEnd(8) + String(program.length).padStart(8) + program,
  );
}
