/** Removes an older file; if it is a link, not its target. */
export function makeRoom(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Whether there is a link at a path. */
export function isSymlink(path: string): boolean {
  return entryAt(path)?.isSymlink ?? false;
}

/** The entry at a path, without following links. */
export function entryAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}
