import { MachineError } from "../../errors.ts";
import { baseName } from "../../paths.ts";

/**
 * Gives a machine a copy of a disk that it can write to, so that the original
 * stays as it is. A copy that an earlier start has left goes on, as a disk does.
 *
 * @param source The original.
 * @param stateDir The machine's own directory.
 * @param id Tells the machine's disks apart.
 * @returns The copy's path.
 * @throws {MachineError} if it can't be made.
 */
export async function placeDisk(
  source: string,
  stateDir: string,
  id: string,
): Promise<string> {
  const path = `${stateDir}/${id.replaceAll(/[^\w.-]/g, "_")}-${
    baseName(source)
  }`;
  if (isThere(path)) return path;
  const unfinished = `${path}.new`;
  // Holes stay holes, and a file system that can shares the blocks.
  const { success, stderr } = await new Deno.Command("cp", {
    args: ["--sparse=always", "--reflink=auto", "--", source, unfinished],
    stdin: "null",
    stdout: "null",
  }).output();
  if (!success) {
    throw new MachineError(
      `the disk ${source} can't be copied: ${
        new TextDecoder().decode(stderr).trim()
      }`,
    );
  }
  // The original may be read-only, as in the Nix store.
  Deno.chmodSync(unfinished, 0o600);
  Deno.renameSync(unfinished, path);
  return path;
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
