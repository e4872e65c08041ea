import { cached } from "./cache.ts";
import { sharedLibraries } from "./elf_libraries.ts";
import { extractPackages, suite } from "./packages.ts";

/**
 * Programs of Debian packages in a directory that any guest of the same processor
 * can have, with their libraries: `run NAME ARGUMENT…` in it runs one.
 *
 * @param name A name for the directory.
 */
export function carried(
  name: string,
  packages: readonly string[],
  programs: readonly string[],
): Promise<string> {
  const ingredients = { format: 1, suite, packages, programs };
  return cached({ name: `carried-${name}`, ingredients }, async (directory) => {
    const tree = `${directory}/tree`;
    await extractPackages([...packages], tree);
    const found = programs.map((program) => `usr/bin/${program}`);
    const files = [...found, ...await sharedLibraries(tree, found)];
    for (const file of files) {
      const place = `${directory}/${file.split("/").at(-1)}`;
      await Deno.copyFile(`${tree}/${file}`, place);
      await Deno.chmod(place, 0o755);
    }
    await Deno.remove(tree, { recursive: true });
    await Deno.writeTextFile(
      `${directory}/run`,
      `#!/bin/sh
here=\${0%/*} program=$1
shift
exec "$here/ld-linux-x86-64.so.2" --library-path "$here" "$here/$program" "$@"
`,
      { mode: 0o755 },
    );
  });
}
