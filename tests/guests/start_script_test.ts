import { assert, assertEquals, assertMatch } from "@std/assert";
import type { GuestImage } from "./guest_image.ts";
import { machineNumber, startScript } from "./start_script.ts";

const image: GuestImage = {
  name: 'it\'s, a "guest"',
  directory: "/cache",
  kernel: "/cache/the kernel",
  initrd: "/cache/it's",
  kernelParameters: ["panic=1", "console=ttyS0"],
  memory: 128,
};

/** Runs a start script with a QEMU that only tells how it was called. */
async function called(
  options: {
    args?: string[];
    env?: Record<string, string>;
    machine?: string;
    image?: Partial<GuestImage>;
    cache?: string;
    state?: string;
  } = {},
): Promise<
  { args: string[]; state: string; cwd: string; stateFiles: string[] }
> {
  const root = await Deno.makeTempDir();
  const state = `${root}/${options.state ?? "state"}`;
  const before = Deno.env.get("XDG_CACHE_HOME");
  try {
    await Deno.mkdir(`${root}/bin`);
    await Deno.mkdir(`${root}/vmwright`);
    await Deno.mkdir(state);
    await Deno.writeTextFile(
      `${root}/bin/qemu-system-x86_64`,
      '#!/bin/bash\nprintf \'%s\\0\' "$PWD" "$@"\nexit 7\n',
      { mode: 0o755 },
    );
    if (options.cache !== undefined) {
      await Deno.writeTextFile(`${root}/vmwright/accelerator`, options.cache);
    }
    const disk = `${root}/template`;
    await Deno.writeTextFile(disk, "disk");
    Deno.env.set("XDG_CACHE_HOME", root);
    const script = `${root}/run-vm`;
    await Deno.writeTextFile(
      script,
      startScript(
        {
          ...image,
          ...options.image,
          ...(options.image?.disk && { disk }),
        },
        options.machine ?? "node1",
      ),
      { mode: 0o755 },
    );
    const { code, stdout, stderr } = await new Deno.Command(script, {
      args: options.args ?? [],
      cwd: state,
      clearEnv: true,
      env: {
        PATH: `${root}/bin:/usr/bin:/bin`,
        TMPDIR: state,
        USE_TMPDIR: "1",
        ...options.env,
      },
    }).output();
    assertEquals(new TextDecoder().decode(stderr), "");
    assertEquals(code, 7);
    const [cwd, ...args] = new TextDecoder().decode(stdout).split("\0");
    assertEquals(args.pop(), "");
    return {
      args,
      cwd,
      state,
      stateFiles: [...Deno.readDirSync(state)].map(({ name }) => name).sort(),
    };
  } finally {
    if (before === undefined) Deno.env.delete("XDG_CACHE_HOME");
    else Deno.env.set("XDG_CACHE_HOME", before);
    await Deno.remove(root, { recursive: true });
  }
}

/** The values of every occurrence of an option. */
function values(args: string[], option: string): string[] {
  return args.flatMap((arg, index) => arg === option ? [args[index + 1]] : []);
}

Deno.test("a start script appends its arguments as they are, last", async () => {
  const args = ["-device", "a b", "it's", 'q"uote', "new\nline", "*", ""];
  assertEquals(
    (await called({ args, env: { QEMU_OPTS: "-S -vga none" } })).args
      .slice(-10),
    ["-S", "-vga", "none", ...args],
  );
});

Deno.test("a start script hands the guest's own words to QEMU as they are", async () => {
  const { args } = await called();
  assertEquals(values(args, "-kernel"), ["/cache/the kernel"]);
  assertEquals(values(args, "-initrd"), ["/cache/it's"]);
});

Deno.test("a start script appends QEMU_KERNEL_PARAMS to the kernel's", async () => {
  const env = { QEMU_KERNEL_PARAMS: "quiet a=b" };
  const [parameters] = values((await called({ env })).args, "-append");
  assertMatch(parameters, /^panic=1 console=ttyS0 vmwright.name=node1 /);
  assert(parameters.endsWith(" quiet a=b"), parameters);
});

Deno.test("a start script joins each VLAN whose socket it is given", async () => {
  const { args } = await called({
    env: { QEMU_VDE_SOCKET_10: "/run/a,b c", QEMU_VDE_SOCKET_2: "/run/2" },
    machine: "node17",
  });
  assertEquals(values(args, "-netdev"), [
    "user,id=user.0",
    "vde,id=vlan2,sock=/run/2",
    "vde,id=vlan10,sock=/run/a,,b c",
  ]);
  assertEquals(values(args, "-device"), [
    "virtio-net-pci,netdev=vlan2,mac=52:54:00:12:02:11",
    "virtio-net-pci,netdev=vlan10,mac=52:54:00:12:0a:11",
  ]);
});

for (
  const name of ["with space", "it's", 'q"', "a,b", "new\nline", "$HOME", "ü"]
) {
  Deno.test(`a start script works in a state directory ${JSON.stringify(name)}`, async () => {
    const { args, state, cwd, stateFiles } = await called({
      state: name,
      image: { disk: "yes" },
    });
    assertEquals(cwd, state);
    const escaped = state.replaceAll(",", ",,");
    assertEquals(values(args, "-virtfs"), [
      `local,path=${escaped}/xchg,security_model=none,mount_tag=shared`,
    ]);
    assert(
      values(args, "-drive")[0].startsWith(`file=${escaped}/node1.qcow2,`),
      values(args, "-drive")[0],
    );
    assertEquals(stateFiles, ["node1.qcow2", "xchg"]);
  });
}

Deno.test("a start script shares SHARED_DIR", async () => {
  const directory = await Deno.makeTempDir();
  const { args } = await called({ env: { SHARED_DIR: directory } });
  assertEquals(values(args, "-virtfs"), [
    `local,path=${directory},security_model=none,mount_tag=shared`,
  ]);
  await Deno.remove(directory);
});

Deno.test("a start script uses TMPDIR only if USE_TMPDIR is set", async () => {
  const { cwd, state } = await called({ env: { USE_TMPDIR: "" } });
  assert(cwd.startsWith(`${state}/vm-node1.`), cwd);
});

Deno.test("a start script runs QEMU as its child where asked to", async () => {
  const { args } = await called({ env: { VMWRIGHT_GUEST_FORK: "1" } });
  assertEquals(values(args, "-name"), ["node1"]);
});

Deno.test("a start script emulates unless KVM was seen to work since the machine booted", async () => {
  const boot = (await Deno.readTextFile("/proc/sys/kernel/random/boot_id"))
    .trim();
  const accelerator = async (options: Parameters<typeof called>[0]) =>
    values((await called(options)).args, "-accel").join();
  assertEquals(await accelerator({}), "tcg");
  assertEquals(await accelerator({ cache: `${boot} kvm\n` }), "kvm");
  assertEquals(await accelerator({ cache: `${boot} tcg\n` }), "tcg");
  assertEquals(await accelerator({ cache: "other-boot kvm\n" }), "tcg");
  assertEquals(await accelerator({ cache: "" }), "tcg");
  assertEquals(
    await accelerator({
      cache: `${boot} kvm\n`,
      env: { VMWRIGHT_ACCEL: "tcg" },
    }),
    "tcg",
  );
});

Deno.test("a machine's number is the one in its name", () => {
  assertEquals(machineNumber("node1"), 1);
  assertEquals(machineNumber("web42"), 42);
});

Deno.test("a machine without a number in its name gets one of its own", () => {
  const names = ["client", "server", "router", "machine", "tiny", "debian"];
  const numbers = names.map(machineNumber);
  for (const number of numbers) assert(number >= 100 && number < 250);
  assertEquals(new Set(numbers).size, names.length);
});
