/** A program that is needed, the Debian package it comes in, and what for. */
export interface Tool {
  readonly program: string;
  readonly package: string;
  readonly purpose: string;
}

/** What building and running guests takes. */
export const guestTools: readonly Tool[] = [
  {
    program: "qemu-system-x86_64",
    package: "qemu-system-x86",
    purpose: "runs the virtual machines",
  },
  {
    program: "vde_switch",
    package: "vde2",
    purpose: "connects the virtual machines to each other",
  },
  {
    program: "mmdebstrap",
    package: "mmdebstrap",
    purpose: "fetches the Debian packages that the guests are made of",
  },
  {
    program: "qemu-img",
    package: "qemu-utils",
    purpose: "makes the guests' disks",
  },
  {
    program: "mkfs.ext4",
    package: "e2fsprogs",
    purpose: "makes the guests' file systems",
  },
  {
    program: "xz",
    package: "xz-utils",
    purpose: "unpacks the guests' kernel",
  },
  {
    program: "lz4",
    package: "lz4",
    purpose: "unpacks the kernel of microVMs",
  },
  { program: "tar", package: "tar", purpose: "unpacks Debian packages" },
];

/** What the tests take besides. */
export const testTools: readonly Tool[] = [
  {
    program: "python3",
    package: "python3",
    purpose: "runs test scripts in Python",
  },
  {
    program: "tesseract",
    package: "tesseract-ocr",
    purpose: "reads the machines' screens",
  },
  { program: "tmux", package: "tmux", purpose: "types at the prompt" },
  {
    program: "busybox",
    package: "busybox",
    purpose: "is a shell that is no bash",
  },
  {
    program: "systemd-nspawn",
    package: "systemd-container",
    purpose: "runs containers",
  },
  {
    program: "ip",
    package: "iproute2",
    purpose: "connects containers to each other",
  },
  {
    program: "chromium",
    package: "chromium",
    purpose: "shows reports",
  },
  {
    program: "nix",
    package: "nix-bin",
    purpose: "builds what Nix users import",
  },
  { program: "zstd", package: "zstd", purpose: "packs kernels" },
  {
    program: "cpio",
    package: "cpio",
    purpose: "packs the root of the examples' microVM",
  },
];

function isInstalled(program: string): boolean {
  const path = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin`;
  return path.split(":").filter((directory) => directory !== "").some(
    (directory) => {
      try {
        return Deno.statSync(`${directory}/${program}`).isFile;
      } catch {
        return false;
      }
    },
  );
}

/**
 * Installs missing packages by apt, and says which and why.
 *
 * Asks first if a person is at the terminal, unless `yes` is given.
 *
 * @throws with the line to type, where nobody allowed it
 */
export async function ensureTools(
  options: { yes?: boolean; ask?: boolean; wanted?: readonly Tool[] } = {},
): Promise<void> {
  const missing = (options.wanted ?? guestTools).filter(({ program }) =>
    !isInstalled(program)
  );
  if (missing.length === 0) return;

  const packages = [...new Set(missing.map((tool) => tool.package))];
  const install = [
    ...(Deno.uid() === 0 ? [] : ["sudo"]),
    "apt-get",
    "install",
    "--yes",
    "--no-install-recommends",
    ...packages,
  ];
  console.error("These programs are missing:");
  for (const { program, purpose, package: name } of missing) {
    console.error(`  ${program} ${purpose} (package ${name})`);
  }
  console.error(`To install them: ${install.join(" ")}`);
  const ask = options.ask ?? Deno.stdin.isTerminal();
  const allowed = options.yes || (ask && confirm("Run that now?"));
  if (!allowed) {
    throw new Error(
      `expected ${packages.join(", ")} to be installed; ` +
        `type: ${install.join(" ")}`,
    );
  }

  const update = [...install.slice(0, install.indexOf("install")), "update"];
  for (const [program, ...args] of [update, install]) {
    const { success, code } = await new Deno.Command(program, {
      args,
      env: { DEBIAN_FRONTEND: "noninteractive" },
      stdout: "inherit",
      stderr: "inherit",
    }).output();
    if (!success) {
      throw new Error(
        `expected ${program} ${args.join(" ")} to succeed, ` +
          `but it ended with status ${code}`,
      );
    }
  }
}
