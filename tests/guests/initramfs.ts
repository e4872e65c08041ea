import { CpioArchive } from "./cpio.ts";
import { moduleClosure, modulesDep } from "./kernel_modules.ts";
import { extractPackages } from "./packages.ts";

/** The contents of the first file system of a guest whose root is a disk. */
export interface Initramfs {
  /** The kernel's release. */
  readonly release: string;
  /** The directory of its modules. */
  readonly source: string;
  /** The modules that are there, with what they depend on. */
  readonly modules: readonly string[];
  /** The text of the first process, a script of busybox. */
  readonly init: string;
  /** More files, by path. */
  readonly files?: Record<string, string>;
  /** The programs of busybox that `init` calls. */
  readonly programs: readonly string[];
}

/** Writes the file `initramfs` into a directory. */
export async function buildInitramfs(
  directory: string,
  initramfs: Initramfs,
): Promise<void> {
  const { release, source, modules, init, files = {}, programs } = initramfs;
  const tree = `${directory}/tree`;
  await extractPackages(["busybox-static"], tree);
  const archive = new CpioArchive();
  for (const path of ["dev", "proc", "sys", "root"]) archive.directory(path);
  archive.characterDevice("dev/console", 5, 1);
  archive.file("init", init, 0o755);
  for (const [path, text] of Object.entries(files)) archive.file(path, text);
  archive.file(
    "bin/busybox",
    await Deno.readFile(`${tree}/bin/busybox`),
    0o755,
  );
  for (const program of programs) archive.symlink(`bin/${program}`, "busybox");
  const closure = await moduleClosure(source, modules);
  for (const { path } of closure) {
    archive.file(
      `lib/modules/${release}/${path}`,
      await Deno.readFile(`${source}/${path}`),
    );
  }
  archive.file(`lib/modules/${release}/modules.dep`, modulesDep(closure));
  await Deno.writeFile(`${directory}/initramfs`, archive.bytes());
  await Deno.remove(tree, { recursive: true });
}
