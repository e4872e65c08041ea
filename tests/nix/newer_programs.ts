import { cached } from "../guests/cache.ts";
import { extractPackages } from "../guests/packages.ts";

/** A Debian release with programs of 2025: those of the release before are of 2022. */
const suite = "trixie";

const { triplet, loader } = Deno.build.arch === "aarch64"
  ? { triplet: "aarch64-linux-gnu", loader: "ld-linux-aarch64.so.1" }
  : { triplet: "x86_64-linux-gnu", loader: "ld-linux-x86-64.so.2" };

/**
 * Programs of a package of Debian's newer release, unpacked and run by the
 * libraries that they were built with.
 *
 * @param name What the cache calls them.
 * @param packageName The package.
 * @param programs The files in it, by the names of the programs.
 * @returns A directory with the programs.
 */
export async function newerPrograms(
  name: string,
  packageName: string,
  programs: Readonly<Record<string, string>>,
): Promise<string> {
  const recipe = { name, ingredients: { suite, triplet, loader } };
  const directory = await cached(
    recipe,
    async (directory, final) => {
      const tree = `${directory}/tree`;
      await extractPackages([packageName], tree, suite);
      await Deno.mkdir(`${directory}/lib`);
      await Deno.mkdir(`${directory}/bin`);
      const libraries = `${tree}/usr/lib/${triplet}`;
      for await (const { name } of Deno.readDir(libraries)) {
        if (!/\.so(\.|$)/.test(name)) continue;
        await Deno.rename(`${libraries}/${name}`, `${directory}/lib/${name}`);
      }
      for (const file of new Set(Object.values(programs))) {
        await Deno.rename(`${tree}/${file}`, `${directory}/${baseName(file)}`);
      }
      await Deno.remove(tree, { recursive: true });
      for (const [name, file] of Object.entries(programs)) {
        const command =
          `exec ${final}/lib/${loader} --argv0 ${name} --library-path ${final}/lib ${final}/${
            baseName(file)
          } "$@"`;
        await Deno.writeTextFile(
          `${directory}/bin/${name}`,
          `#!/bin/sh\n${command}\n`,
          { mode: 0o755 },
        );
      }
    },
    console.log,
  );
  return `${directory}/bin`;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
