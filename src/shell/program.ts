/** Where a command's streams lead in the guest. */
export interface Streams {
  /** `serial`, `merge` for stdout, or the device number of a port. */
  stderr: string;
  /** Whether stdin is the port that the command came on; else it is empty. */
  stdin: boolean;
}

/**
 * What a runner in the guest evaluates, before it evaluates the command itself:
 * the fewer words there are, the sooner a command begins. See `guest.sh` for its
 * descriptors.
 */
export function programOf(command: string, { stderr, stdin }: Streams): string {
  const to = stderr === "serial"
    ? "&4"
    : stderr === "merge"
    ? "&1"
    : `/dev/vport${stderr}`;
  const quoted = command.replaceAll("'", "'\\''");
  return `exec 2>${to} <${stdin ? "&3" : "/dev/null"} 3>&- 4>&- 9>&-;` +
    "BASH_ARGV0=bash BASH_SUBSHELL=0 SECONDS=0 SHLVL=$((SHLVL + 1)) " +
    `BASH_EXECUTION_STRING='set -euo pipefail; ${quoted}'`;
}

/**
 * The bytes of a program for a runner, with its length and the runner's process
 * before it: what is left of a frame that another did not read to its end is
 * none for this one.
 */
export function frameOf(program: string, runner: number): Uint8Array {
  const text = new TextEncoder().encode(program);
  const header = new TextEncoder().encode(
    String(text.length).padStart(8) + String(runner).padEnd(8),
  );
  const frame = new Uint8Array(header.length + text.length);
  frame.set(header);
  frame.set(text, header.length);
  return frame;
}
