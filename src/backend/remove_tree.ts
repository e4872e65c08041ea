/**
 * Removes a file or a tree, whatever its modes are: who is not root may not
 * take files out of a directory such as those of the Nix store are. Whoever else
 * could change the tree, as a guest can what is shared with it, has to be gone.
 */
export function removeTree(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    openUp(path);
    Deno.removeSync(path, { recursive: true });
  }
}

/** Lets the owner of a tree's directories write to them. Follows no links. */
function openUp(path: string): void {
  if (!Deno.lstatSync(path).isDirectory) return;
  Deno.chmodSync(path, 0o700);
  for (const { name, isDirectory } of Deno.readDirSync(path)) {
    if (isDirectory) openUp(`${path}/${name}`);
  }
}
