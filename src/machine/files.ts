/** The last part of a path. */
export function baseName(path: string): string {
  return path.replace(/\/+$/, "").split("/").pop() ?? "";
}

/** Copies a file or a tree on the host, with modes. */
export async function copyTree(source: string, target: string): Promise<void> {
  const info = await Deno.stat(source);
  if (!info.isDirectory) {
    await Deno.copyFile(source, target);
    return;
  }
  await Deno.mkdir(target, { recursive: true });
  for await (const entry of Deno.readDir(source)) {
    const from = `${source}/${entry.name}`;
    const to = `${target}/${entry.name}`;
    if (entry.isSymlink) {
      await Deno.symlink(await Deno.readLink(from), to);
    } else if (entry.isDirectory || entry.isFile) {
      await copyTree(from, to);
    }
  }
  if (info.mode !== null) await Deno.chmod(target, info.mode & 0o7777);
}
