/**
 * Runs code in a process of its own whose files have no more room than a MiB.
 *
 * @param code A module's text.
 */
export function runWithFullDisk(code: string): Promise<Deno.CommandOutput> {
  const limited = 'trap "" XFSZ; ulimit -f 1024; exec "$@"';
  return new Deno.Command("bash", {
    args: [
      ...["-c", limited, "bash"],
      ...[Deno.execPath(), "eval", "--no-lock", code],
    ],
  }).output();
}
