import { cached } from "../guests/cache.ts";
import { extractPackages } from "../guests/packages.ts";

/** A Debian release with a Nix of 2025: that of the release before is of 2022. */
const suite = "trixie";

const { triplet, loader } = Deno.build.arch === "aarch64"
  ? { triplet: "aarch64-linux-gnu", loader: "ld-linux-aarch64.so.1" }
  : { triplet: "x86_64-linux-gnu", loader: "ld-linux-x86-64.so.2" };

/**
 * Debian's newer Nix, unpacked and run by the libraries that it was built with.
 *
 * @returns A directory with the programs `nix` and `nix-store`, which evaluate.
 */
export async function newerNix(): Promise<string> {
  const recipe = { name: "nix", ingredients: { suite, triplet, loader } };
  const directory = await cached(
    recipe,
    async (directory, final) => {
      const tree = `${directory}/tree`;
      await extractPackages(["nix-bin"], tree, suite);
      await Deno.mkdir(`${directory}/lib`);
      await Deno.mkdir(`${directory}/bin`);
      const libraries = `${tree}/usr/lib/${triplet}`;
      for await (const { name } of Deno.readDir(libraries)) {
        if (!/\.so(\.|$)/.test(name)) continue;
        await Deno.rename(`${libraries}/${name}`, `${directory}/lib/${name}`);
      }
      await Deno.rename(`${tree}/usr/bin/nix`, `${directory}/nix`);
      await Deno.remove(tree, { recursive: true });
      for (const name of ["nix", "nix-store"]) {
        const command =
          `exec ${final}/lib/${loader} --argv0 ${name} --library-path ${final}/lib ${final}/nix "$@"`;
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
