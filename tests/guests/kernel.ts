import { cached, type Told } from "./cache.ts";
import { extractPackages, suite } from "./packages.ts";
import type { Recipe } from "./recipe.ts";
import { run } from "./run.ts";

/** Directories and files below `kernel/` whose modules a guest may want. */
const kept = [
  "arch",
  "block",
  "crypto",
  "drivers/acpi/button.ko",
  "drivers/acpi/video.ko",
  "drivers/ata",
  "drivers/block",
  "drivers/cdrom",
  "drivers/char",
  "drivers/firmware/qemu_fw_cfg.ko",
  "drivers/gpu/drm/display",
  "drivers/gpu/drm/drm.ko",
  "drivers/gpu/drm/drm_kms_helper.ko",
  "drivers/gpu/drm/drm_shmem_helper.ko",
  "drivers/gpu/drm/drm_ttm_helper.ko",
  "drivers/gpu/drm/drm_vram_helper.ko",
  "drivers/gpu/drm/tiny",
  "drivers/gpu/drm/ttm",
  "drivers/gpu/drm/virtio",
  "drivers/input/evdev.ko",
  "drivers/input/mouse/psmouse.ko",
  "drivers/md",
  "drivers/net/bonding",
  "drivers/net/dummy.ko",
  "drivers/net/macvlan.ko",
  "drivers/net/net_failover.ko",
  "drivers/net/tun.ko",
  "drivers/net/veth.ko",
  "drivers/net/virtio_net.ko",
  "drivers/net/vrf.ko",
  "drivers/net/vxlan",
  "drivers/net/wireguard",
  "drivers/scsi/scsi_common.ko",
  "drivers/scsi/scsi_mod.ko",
  "drivers/scsi/sd_mod.ko",
  "drivers/scsi/sg.ko",
  "drivers/scsi/sr_mod.ko",
  "drivers/scsi/virtio_scsi.ko",
  "drivers/virtio",
  "fs",
  "lib",
  "mm",
  "net",
];

/** Which kernel it is, and which of its modules are kept. */
export interface KernelKind {
  /** The recipe's name. */
  readonly name: string;
  /** Directories and files below `kernel/`. */
  readonly kept: readonly string[];
  /** Debian's package; `linux-image-amd64` by default. */
  readonly package?: string;
}

const guestKernel: KernelKind = { name: "kernel", kept };

/** Debian's kernel for guests of a cloud, which every hypervisor boots. */
export const cloudKernel: KernelKind = {
  name: "cloud-kernel",
  kept,
  package: "linux-image-cloud-amd64",
};

function packageOf(kind: KernelKind): string {
  return kind.package ?? "linux-image-amd64";
}

/** The dependencies of a kernel, for the recipes that use it. */
export function kernelRecipeOf(kind: KernelKind): Recipe {
  const { name, kept } = kind;
  return {
    name,
    ingredients: { format: 1, suite, packages: [packageOf(kind)], kept },
  };
}

/** What the guests' kernel depends on. */
export const kernelRecipe = kernelRecipeOf(guestKernel);

/** A kernel and its modules, as the guests share them. */
export interface Kernel {
  readonly directory: string;
  /** The kernel as an uncompressed ELF image, which QEMU boots through PVH. */
  readonly image: string;
  readonly release: string;
  /** Holds `kernel/…/*.ko` and `modules.*`. */
  readonly modules: string;
}

/**
 * A kernel of Debian, fetched if need be.
 *
 * @param kind Which one, with which modules; that of the guests by default.
 */
export async function kernel(
  told?: Told,
  kind = guestKernel,
): Promise<Kernel> {
  const directory = await cached(
    kernelRecipeOf(kind),
    (target) => build(target, kind),
    told,
  );
  const release = await Deno.readTextFile(`${directory}/release`);
  return {
    directory,
    release,
    image: `${directory}/vmlinux`,
    modules: `${directory}/modules`,
  };
}

async function build(
  directory: string,
  kind: KernelKind,
): Promise<void> {
  const tree = `${directory}/tree`;
  await extractPackages([packageOf(kind)], tree);
  const [{ name: release }] = [...Deno.readDirSync(`${tree}/lib/modules`)];
  await Deno.writeTextFile(`${directory}/release`, release);
  await Deno.writeFile(
    `${directory}/vmlinux`,
    await uncompressed(`${tree}/boot/vmlinuz-${release}`, directory),
  );

  const source = `${tree}/lib/modules/${release}`;
  const target = `${directory}/modules`;
  await Deno.mkdir(target);
  for (const entry of Deno.readDirSync(source)) {
    if (entry.isFile) {
      await Deno.rename(`${source}/${entry.name}`, `${target}/${entry.name}`);
    }
  }
  for (const path of kind.kept) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    await Deno.mkdir(`${target}/kernel/${parent}`, { recursive: true });
    try {
      await Deno.rename(`${source}/kernel/${path}`, `${target}/kernel/${path}`);
    } catch (error) {
      // Not every release has every module apart from the kernel.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  await Deno.remove(tree, { recursive: true });
}

/**
 * The ELF image inside a bzImage. Under emulation the kernel takes longer to
 * unpack itself than to boot, so it is unpacked here, once.
 *
 * The header's fields are those of the kernel's `Documentation/x86/boot.rst`.
 */
async function uncompressed(
  path: string,
  directory: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const image = await Deno.readFile(path);
  const view = new DataView(image.buffer);
  const setupSectors = image[0x1f1] || 4;
  const start = (setupSectors + 1) * 512 + view.getUint32(0x248, true);
  // The last four bytes are the unpacked size.
  const end = start + view.getUint32(0x24c, true) - 4;
  const packed = `${directory}/vmlinux.packed`;
  await Deno.writeFile(packed, image.subarray(start, end));
  const program = view.getUint32(start) === 0xfd377a58
    ? "xz"
    : view.getUint32(start) === 0x28b52ffd
    ? "zstd"
    : view.getUint32(start) === 0x02214c18
    ? "lz4"
    : undefined;
  if (program === undefined) {
    throw new Error(
      `expected the kernel in ${path} to be packed by xz, zstd or lz4, got ` +
        image.subarray(start, start + 4).toHex(),
    );
  }
  const elf = await run(program, ["-d", "-c", packed]);
  await Deno.remove(packed);
  return elf;
}
