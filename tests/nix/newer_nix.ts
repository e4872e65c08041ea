import { newerPrograms } from "./newer_programs.ts";

/**
 * Debian's newer Nix.
 *
 * @returns A directory with the programs `nix` and `nix-store`, which evaluate.
 */
export function newerNix(): Promise<string> {
  return newerPrograms("nix", "nix-bin", {
    "nix": "usr/bin/nix",
    "nix-store": "usr/bin/nix",
  });
}
