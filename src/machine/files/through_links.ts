import { UsageError } from "../../errors.ts";

/**
 * The directories above the current place of a walk through a tree, the
 * outermost first.
 */
export type Within = readonly { path: string; info: Deno.FileInfo }[];

/** The target of a path; a link that leads nowhere is its own target. */
export async function lookThrough(path: string): Promise<Deno.FileInfo> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return await Deno.lstat(path);
    if (!(error instanceof Deno.errors.FilesystemLoop)) throw error;
    throw new UsageError(
      `Expected links that lead to a file, got ${path}, which leads in a circle`,
    );
  }
}

/**
 * Enters a directory, maybe through a link.
 *
 * @throws {UsageError} if the walk is in that directory already.
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
    `Expected no link to a directory around it, got ${path}, which leads back to ${same.path}`,
  );
}
