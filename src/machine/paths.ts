import { fileName } from "./file_name.ts";

/** Where a machine's start script finds its EFI variables, in `NIX_EFI_VARS`. */
export function efiVarsPath(
  { stateDir, name }: { stateDir: string; name: string },
): string {
  return `${stateDir}/${fileName(name)}-efi-vars.fd`;
}
