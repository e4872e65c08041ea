import { fileName } from "./file_name.ts";
/** The last part of a path. */
export function baseName(path: string): string {
  return path.replace(/\/+$/, "").split("/").pop() ?? "";
}

/** A path of the host, from its root on. */
export function absolute(path: string): string {
  return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
}

/** Where a machine's start script finds its EFI variables, in `NIX_EFI_VARS`. */
export function efiVarsPath(
  { stateDir, name }: { stateDir: string; name: string },
): string {
  return `${stateDir}/${fileName(name)}-efi-vars.fd`;
}
