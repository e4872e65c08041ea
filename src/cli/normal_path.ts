/**
 * An absolute path without `.`, `..` and empty names, for comparisons. Deno's
 * `node:path` knows how, and takes as long to load as all of a command line
 * takes.
 *
 * @param path The path; what are links in it is not looked at.
 */
export function normalPath(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}
