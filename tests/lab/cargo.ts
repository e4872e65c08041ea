import { guest, type GuestName } from "../guests/mod.ts";
import { cacheHome } from "../guests/cache.ts";
import { run } from "../guests/run.ts";

const root = new URL("../../", import.meta.url).pathname;

/** A hypervisor that the lab is given. */
export interface Hypervisor {
  /** The name of its program. */
  readonly name: string;
  /** The program on this host. */
  readonly path: string;
}

/** What the lab is given besides. */
export interface Given {
  readonly hypervisors?: readonly Hypervisor[];
  /** The directory of the classic driver on this host. */
  readonly classicDriver?: string;
}

/**
 * Makes a disk with the files for the lab: this checkout and its bundle, the
 * Deno that runs this, guests, hypervisors, and the classic driver.
 *
 * @param directory Where the disk is made, and for a while the files of it.
 * @returns The disk's path.
 */
export async function makeCargo(
  directory: string,
  guests: readonly GuestName[],
  { hypervisors = [], classicDriver }: Given = {},
): Promise<string> {
  const tree = `${directory}/cargo`;
  await Deno.mkdir(`${tree}/vmwright/guests`, { recursive: true });
  const copy = (source: string, target: string) =>
    run("cp", ["--archive", "--dereference", "--", source, target]);

  await copy(Deno.execPath(), `${tree}/deno`);
  for (const { name, path } of hypervisors) await copy(path, `${tree}/${name}`);
  if (classicDriver !== undefined) {
    await copy(classicDriver, `${tree}/classic-driver`);
  }
  const bundle = ["task", "bundle", "--no-types", `${tree}/dist`];
  await run(Deno.execPath(), bundle, { cwd: root });
  await Deno.mkdir(`${tree}/project`);
  const parts = "cli.ts mod.ts deno.json deno.lock src wasm tests examples"
    .split(" ");
  for (const part of parts) {
    await copy(`${root}${part}`, `${tree}/project/${part}`);
  }
  await Deno.remove(`${tree}/project/wasm/node_modules`, { recursive: true })
    .catch(() => {});
  // What the tests import is fetched here, where there is a network.
  await run(Deno.execPath(), ["install", "--entrypoint", "mod.ts"], {
    cwd: `${tree}/project`,
    env: { DENO_DIR: `${tree}/modules` },
  });

  for (const name of guests) {
    const { directory: image } = await guest(name);
    await copy(image, `${tree}/vmwright/guests`);
  }
  for (const { name } of Deno.readDirSync(`${cacheHome()}/guests`)) {
    if (!/^(cloud-)?kernel-[0-9a-f]+$/.test(name)) continue;
    const kernel = `${tree}/vmwright/guests/${name}`;
    await Deno.mkdir(kernel);
    for (const file of ["vmlinux", "release"]) {
      await copy(`${cacheHome()}/guests/${name}/${file}`, `${kernel}/${file}`);
    }
  }
  const disk = `${directory}/cargo.raw`;
  await run("mkfs.ext4", [
    ..."-q -m 0 -O ^metadata_csum,^has_journal -E lazy_itable_init=0 -d"
      .split(" "),
    tree,
    disk,
    "3G",
  ]);
  await Deno.remove(tree, { recursive: true });
  return disk;
}
