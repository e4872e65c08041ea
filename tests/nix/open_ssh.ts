import { cached } from "../guests/cache.ts";
import { extractPackages, suite } from "../guests/packages.ts";

const { triplet, loader } = Deno.build.arch === "aarch64"
  ? { triplet: "aarch64-linux-gnu", loader: "ld-linux-aarch64.so.1" }
  : { triplet: "x86_64-linux-gnu", loader: "ld-linux-x86-64.so.2" };

/**
 * Debian's ssh, unpacked and run by the libraries that it was built with, so that
 * no host gets a server that starts with it.
 *
 * @returns A directory with the programs `ssh`, `sshd` and `ssh-keygen`.
 */
export async function openSsh(): Promise<string> {
  const recipe = { name: "ssh", ingredients: { suite, triplet, loader } };
  const directory = await cached(
    recipe,
    async (directory, final) => {
      const tree = `${directory}/tree`;
      await extractPackages(["openssh-server", "openssh-client"], tree);
      for (const name of ["lib", "bin", "programs"]) {
        await Deno.mkdir(`${directory}/${name}`);
      }
      for (const libraries of [`lib/${triplet}`, `usr/lib/${triplet}`]) {
        for await (const { name } of Deno.readDir(`${tree}/${libraries}`)) {
          if (!/\.so(\.|$)/.test(name)) continue;
          await Deno.rename(
            `${tree}/${libraries}/${name}`,
            `${directory}/lib/${name}`,
          );
        }
      }
      for (
        const path of ["usr/bin/ssh", "usr/sbin/sshd", "usr/bin/ssh-keygen"]
      ) {
        const name = path.replace(/.*\//, "");
        await Deno.rename(`${tree}/${path}`, `${directory}/programs/${name}`);
        // The server starts itself again, by the path that it was called by.
        const command =
          `exec ${final}/lib/${loader} --argv0 "$0" --library-path ${final}/lib ${final}/programs/${name} "$@"`;
        await Deno.writeTextFile(
          `${directory}/bin/${name}`,
          `#!/bin/sh\n${command}\n`,
          { mode: 0o755 },
        );
      }
      await Deno.remove(tree, { recursive: true });
    },
    console.log,
  );
  return `${directory}/bin`;
}
