import { fileName } from "./file_name.ts";

/**
 * The path of a machine's EFI variables, which its start script finds in
 * `NIX_EFI_VARS`.
 */
export function efiVarsPath(
  { stateDir, name }: { stateDir: string; name: string },
): string {
  return `${stateDir}/${fileName(name)}-efi-vars.fd`;
}
