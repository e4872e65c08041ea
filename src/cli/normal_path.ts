/**
 * An absolute path without `.`, `..` and empty names, for comparisons.
 * `node:path` could do this, but its import takes as long as the rest of a
 * command line's check.
 *
 * @param path The path. This does not look at links in it.
 */
export function normalPath(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}
