import { run } from "./run.ts";

/**
 * The shared libraries that programs of an unpacked Debian tree load, as paths
 * in that tree, found by the tree's own dynamic loader.
 */
export async function sharedLibraries(
  tree: string,
  programs: readonly string[],
): Promise<string[]> {
  const loader = "lib64/ld-linux-x86-64.so.2";
  const path = ["lib", "usr/lib"].map((lib) =>
    `${tree}/${lib}/x86_64-linux-gnu`
  ).join(":");
  const found = new Set([loader]);
  for (const program of programs) {
    const listing = new TextDecoder().decode(
      await run(`${tree}/${loader}`, [
        "--library-path",
        path,
        "--list",
        `${tree}/${program}`,
      ]),
    );
    for (const [, library] of listing.matchAll(/ => (\/\S+) \(0x/g)) {
      if (library.startsWith(`${tree}/`)) {
        found.add(library.slice(tree.length + 1));
      }
    }
  }
  return [...found];
}
