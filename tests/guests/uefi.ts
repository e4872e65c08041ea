import { cached, type Told } from "./cache.ts";
import { guest } from "./guest.ts";
import { extractPackages, suite } from "./packages.ts";
import type { Recipe } from "./recipe.ts";
import { run } from "./run.ts";

const packages = ["linux-image-amd64", "ovmf"];

const recipe: Recipe = {
  name: "uefi",
  ingredients: { format: 1, suite, packages },
};

/** What boots by UEFI: Debian's kernel as it is, and its firmware. */
export interface Uefi {
  /** The firmware's code. */
  readonly code: string;
  /** Its variables, as the package has them. */
  readonly variables: string;
  /** The kernel with its EFI stub. */
  readonly kernel: string;
}

/** Fetches firmware and kernel, if need be. */
export async function uefi(told?: Told): Promise<Uefi> {
  const directory = await cached(recipe, build, told);
  return {
    code: `${directory}/OVMF_CODE_4M.fd`,
    variables: `${directory}/OVMF_VARS_4M.fd`,
    kernel: `${directory}/vmlinuz`,
  };
}

async function build(directory: string): Promise<void> {
  const tree = `${directory}/tree`;
  await extractPackages(packages, tree);
  const [{ name: release }] = [...Deno.readDirSync(`${tree}/lib/modules`)];
  await Deno.rename(`${tree}/boot/vmlinuz-${release}`, `${directory}/vmlinuz`);
  for (const name of ["OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"]) {
    await Deno.rename(`${tree}/usr/share/OVMF/${name}`, `${directory}/${name}`);
  }
  await run("rm", ["-rf", tree]);
}

/**
 * Writes a start script of the guest tiny that boots by UEFI, with the machine's
 * own variables in `NIX_EFI_VARS`.
 *
 * @param directory Where it goes.
 * @param name The machine's name.
 * @returns Its path.
 */
export async function uefiStartScript(
  directory: string,
  name: string,
): Promise<string> {
  const { startScriptFor } = await guest("tiny");
  const { code, variables, kernel } = await uefi();
  const path = `${directory}/run-${name}-vm`;
  await Deno.writeTextFile(
    path,
    [
      "#!/bin/sh",
      `[ -e "$NIX_EFI_VARS" ] || cp ${variables} "$NIX_EFI_VARS"`,
      `exec ${startScriptFor(name)} \\`,
      `  -drive if=pflash,format=raw,unit=0,readonly=on,file=${code} \\`,
      '  -drive "if=pflash,format=raw,unit=1,file=$NIX_EFI_VARS" \\',
      `  -kernel ${kernel} "$@"`,
      "",
    ].join("\n"),
  );
  await Deno.chmod(path, 0o755);
  return path;
}
