/**
 * Whether this process may execute a file.
 *
 * @param path The file.
 * @param mode Its mode from `stat`.
 */
export function isExecutable(path: string, mode: number): boolean {
  const bits = mode & 0o111;
  if (bits === 0 || bits === 0o111) return bits !== 0;
  return new Deno.Command("/bin/sh", {
    args: ["-c", '[ -x "$1" ]', "sh", path],
  }).outputSync().success;
}
