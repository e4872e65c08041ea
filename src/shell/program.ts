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

/** The bytes of a program for a runner: eight digits of length before it. */
export function frameOf(program: string): Uint8Array {
  const text = new TextEncoder().encode(program);
  const frame = new Uint8Array(LENGTH_DIGITS + text.length);
  const digits = String(text.length).padStart(LENGTH_DIGITS);
  new TextEncoder().encodeInto(digits, frame);
  frame.set(text, LENGTH_DIGITS);
  return frame;
}

const LENGTH_DIGITS = 8;
