import { cached } from "../../guests/cache.ts";
import { buildInitramfs } from "../../guests/initramfs.ts";
import { cloudKernel, kernel, kernelRecipeOf } from "../../guests/kernel.ts";
import { extractPackages, suite } from "../../guests/packages.ts";
import { run } from "../../guests/run.ts";
import { bzImage } from "./bz_image.ts";
import init from "./stage_1.sh" with { type: "text" };

const packages = ["bash", "busybox-static", "coreutils", "perl-base"];
const modules =
  "virtio_mmio virtio_pci virtio_blk virtio_net virtio_rng ext4 erofs overlay vmw_vsock_virtio_transport"
    .split(" ");
/** Programs of busybox that `init` calls. */
const programs = "sh mount modprobe cat findfs sleep mkdir switch_root".split(
  " ",
);

/**
 * What the systems of the tests' package set are made of: a packed kernel
 * (`bzImage`), an initial RAM disk (`initrd`) and Debian's programs in a tree
 * with all below `usr`.
 */
export function microSystem(): Promise<string> {
  const recipe = {
    name: "nix-system",
    ingredients: {
      format: 1,
      suite,
      packages,
      modules,
      programs,
      init,
      kernel: kernelRecipeOf(cloudKernel).ingredients,
    },
  };
  return cached(recipe, build, console.log);
}

async function build(directory: string): Promise<void> {
  const { image, modules: source, release } = await kernel(
    undefined,
    cloudKernel,
  );
  await Deno.writeFile(
    `${directory}/bzImage`,
    await bzImage(await Deno.readFile(image), "lz4"),
  );
  await buildInitramfs(directory, { release, source, modules, init, programs });
  await Deno.rename(`${directory}/initramfs`, `${directory}/initrd`);

  const tree = `${directory}/programs`;
  await extractPackages(packages, tree);
  for await (const { name } of Deno.readDir(tree)) {
    if (/^(bin|sbin|lib|lib64)$/.test(name)) {
      await Deno.mkdir(`${tree}/usr/${name}`, { recursive: true });
      await run("cp", ["-a", `${tree}/${name}/.`, `${tree}/usr/${name}`]);
    }
    if (name !== "usr") {
      await Deno.remove(`${tree}/${name}`, { recursive: true });
    }
  }
  await Deno.remove(`${tree}/usr/share`, { recursive: true });
}
