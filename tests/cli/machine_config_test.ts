/** Files of `--machine-config`, as they are written for all backends. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  completed,
  type VmConfig,
} from "../../src/backend/cloud_hypervisor/vm_config.ts";
import { requestsOf } from "../../src/backend/firecracker/configuration.ts";
import { readDescription } from "../../src/backend/microvm/description.ts";
import { MicroVmDisks } from "../../src/backend/microvm/disks.ts";
import { kinds } from "../../src/backend/kinds.ts";
import { type BackendName, StartCommand } from "../../src/backend/mod.ts";
import { parseMachineConfig } from "../../src/cli/machine_config.ts";
import { UsageError } from "../../src/errors.ts";
import { settingOf } from "../../src/suite/machines_of.ts";
import { faultsOf } from "../backend/openapi.ts";
import { temporaryDirectory } from "./vmwright.ts";

const store = "/nix/store/0c0y5m9yqk6vjs2cq7lg1hpx3z0ykn1p";

/** The common keys of microVMs, as Nix's builders write them. */
const micro = {
  kernel_image_path: `${store}-vmlinux`,
  initrd_path: `${store}-initrd-linux-6.1.119/initrd`,
  rootfs_path: `${store}-rootfs-minimal-web`,
  store_image_path: `${store}-nix-store-image`,
  kernel_boot_args: "console=ttyS0 panic=1 boot.panic_on_fail loglevel=7 " +
    `init=${store}-nixos-system-web/init`,
  mem_size_mib: 512,
  vcpu_count: 2,
  vsock_cid: 3,
  vsock_port: 1234,
};

const file = {
  vlans: [],
  global_timeout: 1800,
  machines: [
    {
      name: "router",
      backend: "qemu",
      start_command: `${store}-nixos-vm/bin/run-router-vm`,
    },
    {
      name: "web",
      backend: "firecracker",
      firecracker_bin: `${store}-firecracker-1.16.1/bin/firecracker`,
      ...micro,
      entropy: true,
      huge_pages: "2M",
      tap_interfaces: [
        ["eth0", "t1v1", "AA:FC:00:01:01:01"],
        ["eth1", "t1v12", "AA:FC:00:0c:01:01"],
      ],
      snapshot_path: `${store}-vm-snapshots-web/web`,
    },
    {
      name: "db",
      backend: "cloud-hypervisor",
      cloud_hypervisor_bin: `${store}-cloud-hypervisor-52.0/bin/ch`,
      ...micro,
      tap_interfaces: [["eth0", "t2v1", "AA:C0:00:01:02:01"]],
    },
  ],
};

function parse(value: unknown) {
  return parseMachineConfig(JSON.stringify(value), "machines.json");
}

/** The description that a machine of the file is started from. */
function described(name: string) {
  const machine = parse(file).machines!.find((one) => one.name === name)!;
  const command = new StartCommand(machine.startCommand);
  return { machine, command, ...readDescription(command, name, "it") };
}

Deno.test("a machine of QEMU's is started by its start command", () => {
  const { machines, globalTimeout } = parse(file);
  assertEquals(machines![0], {
    name: "router",
    backend: "qemu",
    startCommand: `${store}-nixos-vm/bin/run-router-vm`,
  });
  assertEquals(globalTimeout, 1800);
});

Deno.test("the keys of a microVM become requests to Firecracker", async () => {
  const { machine, program, value, path } = described("web");
  assertEquals(machine.backend, "firecracker");
  assertEquals(program, `${store}-firecracker-1.16.1/bin/firecracker`);
  using state = temporaryDirectory({ "rootfs-web": "" });
  // The root is copied for the guest, so it must be there.
  value.drives = JSON.parse(
    JSON.stringify(value.drives).replace(
      micro.rootfs_path,
      `${state.path}/rootfs-web`,
    ),
  );
  const puts = await requestsOf({ value, path }, {
    name: "web",
    disks: new MicroVmDisks(state.path),
    vsock: "/run/vsock",
    network: {
      wire: (tap, address) =>
        Promise.resolve({ tap: `tap-of-${tap}`, address }),
    },
  });
  const put = (path: string, body: object) => ({ path, body });
  assertEquals(puts, [
    put("/machine-config", {
      vcpu_count: 2,
      mem_size_mib: 512,
      huge_pages: "2M",
    }),
    put("/boot-source", {
      kernel_image_path: micro.kernel_image_path,
      initrd_path: micro.initrd_path,
      boot_args: micro.kernel_boot_args,
    }),
    put("/drives/rootfs", {
      drive_id: "rootfs",
      path_on_host: "rootfs-rootfs-web",
      is_root_device: true,
      is_read_only: false,
    }),
    put("/drives/store", {
      drive_id: "store",
      path_on_host: micro.store_image_path,
      is_root_device: false,
      is_read_only: true,
    }),
    put("/network-interfaces/eth0", {
      iface_id: "eth0",
      host_dev_name: "tap-of-vlan1",
      guest_mac: "AA:FC:00:01:01:01",
    }),
    put("/network-interfaces/eth1", {
      iface_id: "eth1",
      host_dev_name: "tap-of-vlan12",
      guest_mac: "AA:FC:00:0c:01:01",
    }),
    put("/vsock", { guest_cid: 3, uds_path: "/run/vsock" }),
    put("/entropy", {}),
  ]);
  assertEquals(
    await faultsOf(
      "firecracker.yaml",
      puts.map((one) => ({ method: "PUT", ...one })),
    ) ?? [],
    [],
  );
});

Deno.test("the keys of a microVM become a configuration of Cloud Hypervisor", async () => {
  const { program, value, path } = described("db");
  assertEquals(program, `${store}-cloud-hypervisor-52.0/bin/ch`);
  const config = await completed(value as VmConfig, {
    absolute: path,
    placeDisk: (disk) => Promise.resolve(`copy-of-${disk}`),
    network: {
      wire: (tap, address) =>
        Promise.resolve({ tap: `tap-of-${tap}`, address }),
    },
    vsock: "/run/vsock",
  });
  const { payload, cpus, memory, disks, net, vsock } = config;
  assertEquals({ payload, cpus, memory, disks, net, vsock }, {
    payload: {
      kernel: micro.kernel_image_path,
      initramfs: micro.initrd_path,
      cmdline: micro.kernel_boot_args,
    },
    cpus: { boot_vcpus: 2, max_vcpus: 2 },
    memory: { size: 512 * 2 ** 20 },
    disks: [
      {
        path: `copy-of-${micro.rootfs_path}`,
        readonly: false,
        image_type: "Raw",
      },
      { path: micro.store_image_path, readonly: true, image_type: "Raw" },
    ],
    net: [{ tap: "tap-of-vlan1", mac: "AA:C0:00:01:02:01" }],
    vsock: { cid: 3, socket: "/run/vsock" },
  });
  assertEquals(
    await faultsOf("cloud-hypervisor.yaml", [
      { method: "PUT", path: "/vm.create", body: config },
    ]) ?? [],
    [],
  );
});

Deno.test("the VLANs that the TAPs are named after are there", () => {
  assertEquals(parse(file).vlans, [1, 12]);
  const [router] = file.machines;
  assertEquals(parse({ ...file, machines: [router] }).vlans, []);
  assertEquals(parse({ machines: [router] }).vlans, undefined);
  const own = { ...file.machines[1], tap_interfaces: [["eth0", "mine", "m"]] };
  assertEquals(parse({ vlans: [3], machines: [own] }).vlans, [3]);
  const wired = { ...own, tap_interfaces: [["eth0", "vlan3", "m"]] };
  assertEquals(parse({ vlans: [3], machines: [wired] }).vlans, [3]);
});

Deno.test("keys without an effect cause a warning", () => {
  assertEquals(parse(file).warnings, [
    "machines.json: $.machines[1].snapshot_path has no effect: the machine boots",
  ]);
  const [, , db] = file.machines;
  const more = { ...db, huge_pages: "2M", mem_size: 3, fast_forward: false };
  assertEquals(parse({ machines: [more] }).warnings, [
    "machines.json: $.machines[0].huge_pages is unknown and has no effect",
    "machines.json: $.machines[0].mem_size is unknown and has no effect",
  ]);
});

Deno.test("a microVM has small defaults", () => {
  const needs = (backend: BackendName) => {
    const { machines } = parse({
      machines: [{
        name: "a",
        backend,
        kernel_image_path: "vmlinux",
        rootfs_path: "root.ext4",
        entropy: false,
      }],
    });
    const command = new StartCommand(machines![0].startCommand);
    const { value, program, path } = readDescription(command, "a", "it");
    assertEquals(program, undefined);
    assertEquals(path("vmlinux"), `${Deno.cwd()}/vmlinux`);
    assertEquals("entropy" in value, backend === "firecracker");
    return kinds[backend].needs?.(command);
  };
  const least = { memory: 256 * 2 ** 20, cores: 1 };
  assertEquals(needs("firecracker"), least);
  assertEquals(needs("cloud-hypervisor"), least);
});

Deno.test("a microVM may have a description of its own, in a file", () => {
  const { machines, warnings } = parse({
    machines: [{
      name: "a",
      backend: "firecracker",
      start_command: "web.json",
      vcpu_count: 3,
    }],
  });
  assertEquals(machines, [
    { name: "a", backend: "firecracker", startCommand: "web.json" },
  ]);
  assertEquals(warnings, [
    "machines.json: $.machines[0].vcpu_count is unknown and has no effect",
  ]);
});

Deno.test("a suite knows the needs of such machines", () => {
  using folder = temporaryDirectory({ "machines.json": JSON.stringify(file) });
  const { machines } = settingOf(
    { name: "t", machineConfig: "machines.json", tags: [] },
    folder.path,
  );
  const [, web, db] = machines.map(({ startCommand, backend }) =>
    kinds[backend!].needs?.(new StartCommand(startCommand))
  );
  assertEquals(web, { memory: 512 * 2 ** 20, cores: 2 });
  assertEquals(db, web);
});

const [, web] = file.machines;
const wrong: [change: Record<string, unknown>, sentence: string][] = [
  [
    { kernel_image_path: undefined },
    ".kernel_image_path must be the path of a kernel, where there is no start_command, got nothing",
  ],
  [
    { rootfs_path: null },
    ".rootfs_path must be the path of a disk, got null",
  ],
  [
    { vsock_port: 1235 },
    ".vsock_port must be 1234, where a guest's shell listens, got 1235",
  ],
  [{ huge_pages: true }, '.huge_pages must be "2M", got true'],
  [{ entropy: "no" }, '.entropy must be true or false, got "no"'],
  [
    { mem_size_mib: 0 },
    ".mem_size_mib must be a number of MiB above 0, got 0",
  ],
  [
    { vcpu_count: 1.5 },
    ".vcpu_count must be a number of processors above 0, got 1.5",
  ],
  [
    { tap_interfaces: "eth0" },
    '.tap_interfaces must be a list of interfaces, got "eth0"',
  ],
  [
    { tap_interfaces: [["eth0", "t1v1"]] },
    ".tap_interfaces[0] must be a list of a name, a TAP and a hardware address, got a list",
  ],
];
for (const [change, sentence] of wrong) {
  Deno.test(`a microVM is refused: ${sentence}`, () => {
    const { message } = assertThrows(
      () => parse({ machines: [{ ...web, ...change }] }),
      UsageError,
    );
    assertEquals(message, `machines.json: $.machines[0]${sentence}`);
  });
}

Deno.test("a start command is not a description if its backend takes none", () => {
  assert(new StartCommand(' {"boot-source": {}}').isDescription);
  const { message } = assertThrows(
    () => parse({ machines: [{ name: "a", backend: "qemu" }] }),
    UsageError,
  );
  assertEquals(
    message,
    "machines.json: $.machines[0].start_command must be the path of a start script, or a command, got nothing",
  );
});
