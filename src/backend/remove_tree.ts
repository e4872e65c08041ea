/**
 * Removes a file or a tree, if it is there, whatever its modes are: only root
 * may remove files from a directory that is read-only, such as those of the Nix
 * store. Nobody else may change the tree meanwhile; a guest that shares it must
 * have ended.
 */
export function removeTree(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    openUp(path);
    Deno.removeSync(path, { recursive: true });
  }
}

/**
 * Makes all directories of a tree writable for their owner. It follows no
 * links.
 */
function openUp(path: string): void {
  if (!Deno.lstatSync(path).isDirectory) return;
  Deno.chmodSync(path, 0o700);
  for (const { name, isDirectory } of Deno.readDirSync(path)) {
    if (isDirectory) openUp(`${path}/${name}`);
  }
}
