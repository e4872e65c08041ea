/**
 * Makes a path absolute.
 *
 * @param path A path of the host.
 * @param base The absolute path of the directory that a relative path counts
 * from. Default: the working directory.
 */
export function absolute(path: string, base: string = Deno.cwd()): string {
  if (path.startsWith("/")) return path;
  return path === "." || path === "" ? base : `${base}/${path}`;
}

/** The directory that contains a path; `.` for a name alone. */
export function directoryOf(path: string): string {
  return path.replace(/\/*[^/]*\/*$/, "") || (path.startsWith("/") ? "/" : ".");
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.replace(/\/+$/, "").split("/").pop() ?? "";
}
