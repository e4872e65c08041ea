import bringUp from "./common/bring_up.sh" with { type: "text" };
import assemble from "./debian/assemble.sh" with { type: "text" };
import init from "./debian/init" with { type: "text" };
import { cached, type Told } from "./cache.ts";
import type { GuestImage } from "./guest_image.ts";
import { kernel, kernelRecipe } from "./kernel.ts";
import { buildInitramfs } from "./initramfs.ts";
import { suite } from "./packages.ts";
import type { Recipe } from "./recipe.ts";
import { run } from "./run.ts";

const packages = [
  ..."systemd systemd-sysv udev dbus libpam-systemd".split(" "),
  ..."kmod iproute2 iputils-ping procps less kbd".split(" "),
  ..."nginx-light curl netcat-openbsd socat".split(" "),
  ..."xserver-xorg-core xserver-xorg-input-libinput".split(" "),
  ..."x11-utils xfonts-base xfonts-100dpi".split(" "),
];

/** What the packages bring and nobody reads here. */
const excluded = [
  "/usr/share/doc/*",
  "/usr/share/man/*",
  "/usr/share/info/*",
  "/usr/share/locale/*",
  "/usr/share/lintian/*",
  "/usr/share/icons/*",
  // Nothing draws in three dimensions.
  "/usr/lib/x86_64-linux-gnu/libLLVM*",
  "/usr/lib/x86_64-linux-gnu/dri/*",
];

/** Loaded before there is a root file system to load them from. */
const modules = [
  ..."virtio_pci virtio_blk ext4 crc32c_generic virtio_console".split(" "),
  ..."virtio_net virtio_rng 9pnet_virtio 9p autofs4 button evdev".split(" "),
];

const diskSize = "2G";

const kernelParameters = [
  "console=tty0",
  "console=ttyS0",
  "panic=1",
  // Under emulation on a busy host, the timer may be late for that check, and the
  // kernel panics.
  "no_timer_check",
  "net.ifnames=0",
  // systemd's status would tell the serial log once more what the journal does,
  // in colours and with a running star.
  "systemd.show_status=no",
  // Each of these is a large part of a boot under emulation, and none of them
  // says anything about the software under test.
  "mitigations=off",
  "cryptomgr.notests",
  "acpi=noirq",
  "initcall_blacklist=load_system_certificate_list,init_kprobe_trace",
];

/** The files laid over those of the packages, by path. */
async function overlay(): Promise<Record<string, string>> {
  const root = new URL("./debian/overlay/", import.meta.url);
  const files: Record<string, string> = {};
  const visit = async (below: string) => {
    for await (const entry of Deno.readDir(new URL(below, root))) {
      const path = below + entry.name;
      if (entry.isDirectory) await visit(`${path}/`);
      else files[path] = await Deno.readTextFile(new URL(path, root));
    }
  };
  await visit("./");
  return files;
}

/** A guest with systemd, a web server and an X server. */
export async function debian(told?: Told): Promise<GuestImage> {
  const files = await overlay();
  const recipe: Recipe = {
    name: "debian",
    ingredients: {
      format: 1,
      suite,
      kernel: kernelRecipe.ingredients,
      packages,
      excluded,
      modules,
      files: { ...files, assemble, bringUp, init },
    },
  };
  const { image } = await kernel(told);
  const directory = await cached(
    recipe,
    (target, final) => build(files, target, final),
    told,
  );
  return {
    name: recipe.name,
    directory,
    kernel: image,
    initrd: `${directory}/initramfs`,
    kernelParameters,
    memory: 768,
    disk: `${directory}/machine.qcow2`,
  };
}

async function build(
  files: Record<string, string>,
  directory: string,
  final: string,
): Promise<void> {
  const { release, modules: source } = await kernel();
  await buildInitramfs(directory, {
    release,
    source,
    modules,
    init,
    files: { "bring_up.sh": bringUp },
    programs: "ip grep modprobe mount switch_root usleep".split(" "),
  });

  const archive = `${directory}/packages.tar`;
  await run("mmdebstrap", [
    "--quiet",
    "--variant=essential",
    "--format=tar",
    `--include=${packages.join(",")}`,
    ...excluded.map((path) => `--dpkgopt=path-exclude=${path}`),
    suite,
    archive,
  ]);

  const layer = `${directory}/overlay`;
  for (const [path, text] of Object.entries(files)) {
    const target = `${layer}/${path}`;
    await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), {
      recursive: true,
    });
    await Deno.writeTextFile(target, text);
    await Deno.chmod(target, text.startsWith("#!") ? 0o755 : 0o644);
  }
  await run("cp", [
    "--recursive",
    "--",
    source,
    await parent(`${layer}/usr/lib/modules/${release}`),
  ]);

  const disk = `${directory}/disk.raw`;
  const script = `${directory}/assemble.sh`;
  await Deno.writeTextFile(script, assemble);
  await run(
    ...asRoot("bash", [
      script,
      archive,
      layer,
      release,
      disk,
      diskSize,
    ]),
  );
  await Deno.remove(script);
  await Deno.remove(archive);
  await Deno.remove(layer, { recursive: true });
  // Named by its final place, so it isn't looked for now.
  await run("qemu-img", [
    "create",
    "-q",
    ...["-f", "qcow2", "-u", "-F", "raw", "-b", `${final}/disk.raw`],
    `${directory}/machine.qcow2`,
    diskSize,
  ]);
}

/** Makes the directory that is to hold the path, and answers with the path. */
async function parent(path: string): Promise<string> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  return path;
}

/** The command for root, or in a namespace where its user looks like root. */
function asRoot(program: string, args: string[]): [string, string[]] {
  if (Deno.uid() === 0) return [program, args];
  return ["unshare", [
    "--user",
    "--map-root-user",
    "--map-auto",
    program,
    ...args,
  ]];
}
