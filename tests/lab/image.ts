import init from "./init" with { type: "text" };
import up from "./up" with { type: "text" };
import { cached, type Told } from "../guests/cache.ts";
import { buildInitramfs } from "../guests/initramfs.ts";
import { kernel, type KernelKind, kernelRecipeOf } from "../guests/kernel.ts";
import { extractPackages, suite } from "../guests/packages.ts";
import type { Recipe } from "../guests/recipe.ts";
import { run } from "../guests/run.ts";

/** What guests are run with in there, and what the driver calls. */
const packages = [
  ..."bash dash coreutils tar util-linux mount sed grep findutils hostname"
    .split(
      " ",
    ),
  ..."procps iproute2 qemu-system-x86 qemu-utils vde2 python3".split(" "),
  "base-files",
];

/** Directories of Debian's packages that nothing in there reads. */
const pruned = [
  ..."usr/share/doc usr/share/man usr/share/locale usr/share/info".split(" "),
  ..."usr/share/icons usr/share/zoneinfo usr/share/perl var/cache".split(" "),
  "usr/share/ovmf",
  "usr/share/OVMF",
];

/** Modules that are loaded before the root is there. */
const modules = [
  ..."virtio_pci virtio_blk ext4 crc32c_generic virtio_console".split(" "),
  ..."virtio_rng kvm_amd tun bridge veth".split(" "),
];

const kernelKind: KernelKind = {
  name: "lab-kernel",
  kept: [
    "arch",
    "crypto",
    "drivers/block",
    "drivers/char",
    "drivers/crypto/ccp",
    "drivers/net/tun.ko",
    "drivers/net/veth.ko",
    "drivers/virtio",
    "fs",
    "lib",
    "net/802",
    "net/bridge",
    "net/llc",
    "virt",
  ],
};

/** What the machine boots in which KVM works. */
export interface LabImage {
  readonly kernel: string;
  readonly initrd: string;
  /** A raw disk, to be started from without writing to it. */
  readonly disk: string;
}

/** The image of the lab's machine, built if it isn't there yet. */
export async function labImage(told?: Told): Promise<LabImage> {
  const recipe: Recipe = {
    name: "lab",
    ingredients: {
      format: 1,
      suite,
      kernel: kernelRecipeOf(kernelKind).ingredients,
      packages,
      pruned,
      modules,
      files: { init, up },
    },
  };
  const { image, release, modules: source } = await kernel(told, kernelKind);
  const directory = await cached(
    recipe,
    (target) => build(target, release, source),
    told,
  );
  return {
    kernel: image,
    initrd: `${directory}/initramfs`,
    disk: `${directory}/disk.raw`,
  };
}

async function build(
  directory: string,
  release: string,
  source: string,
): Promise<void> {
  await buildInitramfs(directory, {
    release,
    source,
    modules,
    init,
    programs: "modprobe mount switch_root usleep".split(" "),
  });
  const tree = `${directory}/tree`;
  await extractPackages(packages, tree);
  for (const path of pruned) {
    await Deno.remove(`${tree}/${path}`, { recursive: true }).catch(() => {});
  }
  for (const path of ["cargo", "dev", "proc", "sys", "run", "tmp", "root"]) {
    await Deno.mkdir(`${tree}/${path}`, { recursive: true });
  }
  // The packages' scripts, which would do this, don't run.
  await Deno.remove(`${tree}/bin/sh`).catch(() => {});
  await Deno.symlink("dash", `${tree}/bin/sh`);
  await Deno.writeTextFile(
    `${tree}/etc/passwd`,
    "root:x:0:0:root:/root:/bin/bash\n",
  );
  await Deno.writeTextFile(`${tree}/etc/group`, "root:x:0:\n");
  await Deno.writeTextFile(`${tree}/etc/hosts`, "127.0.0.1 localhost lab\n");
  await Deno.writeTextFile(`${tree}/sbin/lab`, up);
  await Deno.chmod(`${tree}/sbin/lab`, 0o755);
  await run("mkfs.ext4", [
    ..."-q -m 0 -O ^metadata_csum -E lazy_itable_init=0 -d".split(" "),
    tree,
    `${directory}/disk.raw`,
    "3G",
  ]);
  await Deno.remove(tree, { recursive: true });
}
