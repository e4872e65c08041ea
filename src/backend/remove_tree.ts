/**
 * How many directories in each other the runtime removes: it holds all of them
 * open, needs stack for each, and a process whose stack is full is gone.
 */
const DEEPEST = 256;

/** Removes a tree of any depth and of any modes. */
const REMOVE = `rm -rf -- "$1" 2>/dev/null ||
{ chmod -R u+rwx -- "$1" 2>/dev/null; rm -rf -- "$1"; }`;

/**
 * Removes a file or a tree, if it is there, whatever its modes are: only root
 * may remove files from a directory that is read-only, such as those of the Nix
 * store. Nobody else may change the tree meanwhile; a guest that shares it must
 * have ended, and may have made it as deep as it likes.
 */
export function removeTree(path: string): void {
  if (!isThere(path)) return;
  try {
    if (isShallow(path)) return Deno.removeSync(path, { recursive: true });
  } catch {
    // Programs remove more, or say what they can't.
  }
  const { success, stderr } = new Deno.Command("/bin/sh", {
    args: ["-c", REMOVE, "sh", path],
    stdin: "null",
    stdout: "null",
  }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether no directory of a tree is deeper than the runtime can remove. */
function isShallow(path: string): boolean {
  if (!Deno.lstatSync(path).isDirectory) return true;
  let level = [path];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) return false;
    level = level.flatMap(directoriesIn);
  }
  return true;
}

function directoriesIn(path: string): string[] {
  return [...Deno.readDirSync(path)]
    .filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => `${path}/${name}`);
}
