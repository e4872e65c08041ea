/**
 * Copies a file without its holes, for its owner alone. File systems that can
 * share blocks do so.
 *
 * @returns Why that failed, if it did.
 */
export async function copyFile(
  from: string,
  to: string,
): Promise<string | undefined> {
  const { success, stderr } = await new Deno.Command("cp", {
    args: ["--sparse=always", "--reflink=auto", "--", from, to],
    stdin: "null",
    stdout: "null",
  }).output();
  if (!success) return new TextDecoder().decode(stderr).trim();
  // The original may be read-only, as in the Nix store.
  Deno.chmodSync(to, 0o600);
}
