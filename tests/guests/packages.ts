import { run } from "./run.ts";

/** The Debian release that the guests are made of. */
export const suite = "bookworm";

/**
 * Unpacks Debian packages and all that they depend on into a directory,
 * without running any of their scripts.
 *
 * @param packages their names
 * @param directory where to, made if it isn't there
 * @param release the Debian release that they are from
 */
export async function extractPackages(
  packages: readonly string[],
  directory: string,
  release: string = suite,
): Promise<void> {
  const archive = `${directory}.tar`;
  // Through an archive, so that the files belong to whoever builds, also where
  // mmdebstrap has to work in a user namespace.
  await run("mmdebstrap", [
    "--quiet",
    "--variant=extract",
    "--format=tar",
    `--include=${packages.join(",")}`,
    release,
    archive,
  ]);
  await Deno.mkdir(directory, { recursive: true });
  await run("tar", [
    "--extract",
    "--no-same-owner",
    "--exclude=./dev/*",
    `--file=${archive}`,
    `--directory=${directory}`,
  ]);
  await Deno.remove(archive);
}
