import { UsageError } from "../../errors.ts";

/** The directories that a walk through a tree is in, from the outermost on. */
export type Within = readonly { path: string; info: Deno.FileInfo }[];

/** What a path leads to. A link that leads nowhere is itself. */
export async function lookThrough(path: string): Promise<Deno.FileInfo> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return await Deno.lstat(path);
    if (!(error instanceof Deno.errors.FilesystemLoop)) throw error;
    throw new UsageError(`Expected links with an end, got ${path}`);
  }
}

/**
 * Goes on into a directory, be it through a link.
 *
 * @throws {UsageError} where the walk is in that directory already.
 */
export function enter(
  path: string,
  info: Deno.FileInfo,
  within: Within,
): Within {
  const same = within.find(({ info: other }) =>
    other.dev === info.dev && other.ino === info.ino
  );
  if (same === undefined) return [...within, { path, info }];
  throw new UsageError(
    `Expected a tree with an end, got ${path}, which leads back to ${same.path}`,
  );
}
