import bringUp from "./common/bring_up.sh" with { type: "text" };
import backdoor from "./tiny/backdoor" with { type: "text" };
import bareInit from "./tiny/bare_init" with { type: "text" };
import halt from "./tiny/halt" with { type: "text" };
import inittab from "./tiny/inittab" with { type: "text" };
import microInittab from "./tiny/micro_inittab" with { type: "text" };
import microRc from "./tiny/micro_rc" with { type: "text" };
import profile from "./tiny/profile" with { type: "text" };
import rc from "./tiny/rc" with { type: "text" };
import vsockShell from "../../examples/microvm/vsock-shell" with {
  type: "text",
};
import { cached, type Told } from "./cache.ts";
import { CpioArchive } from "./cpio.ts";
import { sharedLibraries } from "./elf_libraries.ts";
import type { GuestImage } from "./guest_image.ts";
import {
  cloudKernel,
  kernel,
  type KernelKind,
  kernelRecipe,
  kernelRecipeOf,
} from "./kernel.ts";
import { moduleClosure, modulesDep } from "./kernel_modules.ts";
import { extractPackages, suite } from "./packages.ts";
import type { Recipe } from "./recipe.ts";
import { run } from "./run.ts";

/** What a guest without systemd is made of. */
interface TinyVariant {
  readonly name: string;
  readonly packages: readonly string[];
  /** The programs of these packages that are there instead of busybox's. */
  readonly programs: readonly string[];
  /** The first process, instead of busybox's. */
  readonly init?: string;
  /** Programs of busybox that are not there. */
  readonly without?: readonly string[];
  /** The kernel, instead of that of the other guests. */
  readonly kernel?: KernelKind;
  /** Modules, instead of those of the other guests. */
  readonly modules?: readonly string[];
  /** Files, also in place of the other guests', by path. */
  readonly files?: Record<string, { text: string; mode?: number }>;
}

const plain = {
  name: "tiny",
  packages: [
    "bash",
    "busybox-static",
    "coreutils",
    "findutils",
    "grep",
    "sed",
  ],
  programs: [
    ..."base64 cat chmod chown cp cut date dd df env expr false head id"
      .split(" "),
    ..."install ln ls md5sum mkdir mkfifo mknod mktemp mv nohup nproc od"
      .split(" "),
    ..."paste printf pwd readlink realpath rm rmdir seq sha256sum shuf sleep"
      .split(" "),
    ..."sort split stat stty sync tac tail tee timeout touch tr true truncate"
      .split(" "),
    ..."tty uname uniq wc yes".split(" "),
    ..."find xargs grep sed".split(" "),
  ],
} satisfies TinyVariant;

const variants = {
  "tiny": plain,
  "tiny-redis": {
    name: "tiny-redis",
    packages: [...plain.packages, "redis-server"],
    programs: [...plain.programs, "redis-server", "redis-cli"],
  },
  "tiny-busybox": {
    name: "tiny-busybox",
    packages: ["bash", "busybox-static"],
    programs: [],
  },
  "tiny-bare": {
    name: "tiny-bare",
    packages: ["bash", "busybox-static"],
    programs: [],
    init: bareInit,
    without: ["base64", "dd", "mkfifo", "setsid", "timeout"],
  },
  // Boots on microVMs, too, where its shells are on a virtual socket.
  "micro": {
    name: "micro",
    packages: [...plain.packages, "perl-base"],
    programs: [...plain.programs, "perl"],
    kernel: cloudKernel,
    modules: [
      ..."virtio_pci virtio_mmio virtio_console virtio_net virtio_rng".split(
        " ",
      ),
      ..."virtio_blk virtio_balloon ext4 loop".split(" "),
      "vmw_vsock_virtio_transport",
    ],
    files: {
      "etc/rc": { text: microRc, mode: 0o755 },
      "etc/inittab": { text: microInittab },
      "usr/sbin/vsock-shell": { text: vsockShell, mode: 0o755 },
    },
  },
} satisfies Record<string, TinyVariant>;

/** Loaded at boot by `rc`, or at hand for `modprobe`. */
const modules = [
  "virtio_pci",
  "virtio_mmio",
  "virtio_console",
  "virtio_net",
  "virtio_rng",
  "virtio_blk",
  "virtio_balloon",
  "9pnet_virtio",
  "9p",
  "ext4",
  "loop",
];

const kernelParameters = [
  "console=tty0",
  "console=ttyS0",
  "panic=1",
  // Under emulation on a busy host, the timer may be late for that check, and the
  // kernel panics.
  "no_timer_check",
  // Each of these is a large part of a boot under emulation, and none of them
  // says anything about the software under test.
  "mitigations=off",
  "cryptomgr.notests",
  "acpi=noirq",
  "initcall_blacklist=load_system_certificate_list,init_kprobe_trace",
];

/** The names of the guests of this kind. */
export type TinyName = keyof typeof variants;

/** A guest of kernel, initramfs, bash and busybox. */
export async function tiny(name: TinyName, told?: Told): Promise<GuestImage> {
  const variant: TinyVariant = variants[name];
  const recipe: Recipe = {
    name,
    ingredients: {
      format: 2,
      suite,
      kernel: variant.kernel === undefined
        ? kernelRecipe.ingredients
        : kernelRecipeOf(variant.kernel).ingredients,
      variant,
      modules,
      files: { backdoor, bringUp, halt, inittab, profile, rc },
    },
  };
  const { image } = await kernel(told, variant.kernel);
  const directory = await cached(
    recipe,
    (target) => build(variant, target),
    told,
  );
  return {
    name,
    directory,
    kernel: image,
    initrd: `${directory}/initramfs`,
    kernelParameters,
    memory: 256,
  };
}

async function build(variant: TinyVariant, directory: string): Promise<void> {
  const tree = `${directory}/tree`;
  await extractPackages(variant.packages, tree);
  const archive = new CpioArchive();
  for (const path of ["dev", "proc", "sys", "run", "root"]) {
    archive.directory(path);
  }
  archive.directory("tmp", 0o1777);
  archive.directory("var/tmp", 0o1777);
  archive.characterDevice("dev/console", 5, 1);
  for (const path of ["bin", "sbin", "lib", "lib64"]) {
    archive.symlink(path, `usr/${path}`);
  }

  const programs = ["bash", ...variant.programs].map((name) =>
    ["bin", "usr/bin"].map((at) => `${at}/${name}`).find((path) =>
      isFile(`${tree}/${path}`)
    ) ?? missing(name)
  );
  for (const path of [...programs, ...await sharedLibraries(tree, programs)]) {
    archive.file(merged(path), await Deno.readFile(`${tree}/${path}`), 0o755);
  }

  archive.file("usr/sbin/backdoor", backdoor, 0o755);
  for (const name of ["poweroff", "reboot", "halt"]) {
    archive.file(`usr/sbin/${name}`, halt, 0o755);
  }
  archive.symlink("usr/bin/sh", "bash");
  if (variant.init === undefined) archive.symlink("init", "usr/bin/busybox");
  else archive.file("init", variant.init, 0o755);
  archive.file(
    "usr/bin/busybox",
    await Deno.readFile(`${tree}/bin/busybox`),
    0o755,
  );
  const applets = new TextDecoder().decode(
    await run(`${tree}/bin/busybox`, ["--list"]),
  ).trim().split("\n");
  for (const applet of applets) {
    if (variant.without?.includes(applet)) continue;
    if (["usr/bin", "usr/sbin"].some((at) => archive.has(`${at}/${applet}`))) {
      continue;
    }
    archive.symlink(`usr/bin/${applet}`, "busybox");
  }

  const files: TinyVariant["files"] = {
    "etc/bring_up.sh": { text: bringUp },
    "etc/inittab": { text: inittab },
    "etc/rc": { text: rc, mode: 0o755 },
    "etc/profile": { text: profile },
    ...variant.files,
  };
  for (const [path, { text, mode }] of Object.entries(files)) {
    archive.file(path, text, mode);
  }
  archive.file("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
  archive.file("etc/group", "root:x:0:\n");

  const { release, modules: source } = await kernel(
    undefined,
    variant.kernel,
  );
  const closure = await moduleClosure(source, variant.modules ?? modules);
  for (const { path } of closure) {
    archive.file(
      `usr/lib/modules/${release}/${path}`,
      await Deno.readFile(`${source}/${path}`),
    );
  }
  archive.file(`usr/lib/modules/${release}/modules.dep`, modulesDep(closure));

  await Deno.writeFile(`${directory}/initramfs`, archive.bytes());
  await Deno.remove(tree, { recursive: true });
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function missing(program: string): never {
  throw new Error(`expected Debian's packages to hold the program ${program}`);
}

/** The path with `/usr` merged, as every Debian of today has it. */
function merged(path: string): string {
  return /^(s?bin|lib|lib64)\//.test(path) ? `usr/${path}` : path;
}
