/** The requests by which Firecracker gets a guest's configuration. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  loadRequests,
  requestsOf,
  saveRequest,
} from "../../../src/backend/firecracker/configuration.ts";
import type {
  Action,
  VmState,
} from "../../../src/backend/firecracker/requests.ts";
import { readDescription } from "../../../src/backend/microvm/description.ts";
import { MicroVmDisks } from "../../../src/backend/microvm/disks.ts";
import { StartCommand } from "../../../src/backend/mod.ts";
import { MachineError } from "../../../src/errors.ts";
import { temporaryDirectory } from "../../cli/vmwright.ts";
import { faultsOf } from "../openapi.ts";

const FULL = {
  "boot-source": {
    kernel_image_path: "vmlinux",
    initrd_path: "/images/initrd",
  },
  "machine-config": { vcpu_count: 2, mem_size_mib: 256, huge_pages: "2M" },
  "drives": [
    {
      drive_id: "root",
      path_on_host: "root.ext4",
      is_root_device: true,
      is_read_only: false,
    },
    {
      drive_id: "store",
      path_on_host: "/nix/store.erofs",
      is_root_device: false,
      is_read_only: true,
    },
  ],
  "network-interfaces": [
    {
      iface_id: "eth0",
      host_dev_name: "vlan1",
      guest_mac: "52:54:00:12:01:01",
    },
    { iface_id: "eth1", host_dev_name: "mine" },
  ],
  "vsock": { guest_cid: 7, uds_path: "/tmp/v.sock" },
  "logger": { log_path: "/tmp/log", level: "Info" },
  "balloon": { amount_mib: 0, deflate_on_oom: true },
};

async function requests(description: unknown, directory: string) {
  await Deno.writeTextFile(
    `${directory}/run-web-firecracker.json`,
    JSON.stringify(description),
  );
  await Deno.mkdir(`${directory}/state`, { recursive: true });
  const given = {
    name: "web",
    disks: new MicroVmDisks(`${directory}/state`),
    vsock: `${directory}/state/vsock`,
    network: {
      wire: (tap: string, address?: string) =>
        Promise.resolve({ tap: tap === "vlan1" ? "tap0" : tap, address }),
    },
  };
  const command = new StartCommand(`${directory}/run-web-firecracker.json`);
  const read = readDescription(command, "web", "Firecracker");
  return await requestsOf(read, given);
}

Deno.test("a description becomes requests, with what is the driver's own", async () => {
  using directory = temporaryDirectory({ "root.ext4": "the root" });
  const { path } = directory;
  const made = await requests(FULL, path);
  const copy = "root-root.ext4";
  assertEquals(made, [
    { path: "/logger", body: FULL.logger },
    { path: "/machine-config", body: FULL["machine-config"] },
    { path: "/balloon", body: FULL.balloon },
    {
      path: "/boot-source",
      body: {
        boot_args: "console=ttyS0 reboot=k panic=1",
        kernel_image_path: `${path}/vmlinux`,
        initrd_path: "/images/initrd",
      },
    },
    { path: "/drives/root", body: { ...FULL.drives[0], path_on_host: copy } },
    { path: "/drives/store", body: FULL.drives[1] },
    {
      path: "/network-interfaces/eth0",
      body: { ...FULL["network-interfaces"][0], host_dev_name: "tap0" },
    },
    {
      path: "/network-interfaces/eth1",
      body: FULL["network-interfaces"][1],
    },
    {
      path: "/vsock",
      body: { guest_cid: 7, uds_path: `${path}/state/vsock` },
    },
    { path: "/entropy", body: {} },
  ]);

  const faults = await faultsOf("firecracker.yaml", [
    ...made.map((one) => ({ ...one, method: "PUT" })),
    {
      method: "PUT",
      path: "/actions",
      body: { action_type: "InstanceStart" } satisfies Action,
    },
    {
      method: "PATCH",
      path: "/vm",
      body: { state: "Paused" } satisfies VmState,
    },
    { method: "GET", path: "/version" },
    { method: "GET", path: "/vm/config" },
    { method: "GET", path: "/" },
  ]);
  assertEquals(faults ?? [], []);
});

Deno.test("a guest has random numbers, unless its description says null there", async () => {
  using directory = temporaryDirectory({ "root.ext4": "the root" });
  const entropyOf = async (entropy: unknown) =>
    (await requests({ ...FULL, entropy }, directory.path))
      .filter(({ path }) => path === "/entropy").map(({ body }) => body);
  assertEquals(await entropyOf(undefined), [{}]);
  const slow = { rate_limiter: { ops: { size: 1, refill_time: 1000 } } };
  assertEquals(await entropyOf(slow), [slow]);
  assertEquals(await entropyOf(null), []);
});

Deno.test("a guest goes on from a snapshot with what is its own", async () => {
  using directory = temporaryDirectory({ "root.ext4": "the root" });
  const { path } = directory;
  const loads = loadRequests(await requests(FULL, path), "/saved");
  assertEquals(loads, [
    { path: "/logger", body: FULL.logger },
    {
      path: "/snapshot/load",
      body: {
        snapshot_path: "/saved/vm",
        mem_backend: { backend_type: "File", backend_path: "/saved/memory" },
        network_overrides: [
          { iface_id: "eth0", host_dev_name: "tap0" },
          { iface_id: "eth1", host_dev_name: "mine" },
        ],
        vsock_override: { uds_path: `${path}/state/vsock` },
        resume_vm: false,
      },
    },
  ]);
  const save = saveRequest("/saved");
  assertEquals(save, {
    path: "/snapshot/create",
    body: {
      snapshot_type: "Full",
      snapshot_path: "/saved/vm",
      mem_file_path: "/saved/memory",
    },
  });
  const faults = await faultsOf(
    "firecracker.yaml",
    [...loads, save].map((one) => ({ ...one, method: "PUT" })),
  );
  assertEquals(faults ?? [], []);
});

Deno.test("a disk that a guest can write to is a copy, which goes on at the next start", async () => {
  using directory = temporaryDirectory({ "root.ext4": "the root" });
  const { path } = directory;
  await Deno.chmod(`${path}/root.ext4`, 0o444);
  await requests(FULL, path);
  const copy = `${path}/state/root-root.ext4`;
  assertEquals(await Deno.readTextFile(copy), "the root");
  await Deno.writeTextFile(copy, "written to");
  await requests(FULL, path);
  assertEquals(await Deno.readTextFile(copy), "written to");
  assertEquals(await Deno.readTextFile(`${path}/root.ext4`), "the root");
});

Deno.test("an invalid description is reported so", async () => {
  using directory = temporaryDirectory();
  const { path } = directory;
  const file = `${path}/run-web-firecracker.json`;
  const begin = "web did not start: its description for Firecracker ";
  const wrong: [unknown, string][] = [
    [
      [],
      "web did not start: expected Firecracker's description of it, a JSON " +
      `object, in ${file}, got []`,
    ],
    [{}, `${begin}needs "boot-source", an object; got undefined`],
    [
      { ...FULL, kernel: 1 },
      `${begin}has a part "kernel", which Firecracker does not know`,
    ],
    [
      { ...FULL, drives: [{}] },
      `${begin}needs objects with a "drive_id" in the list "drives"; got [{}]`,
    ],
    [
      { ...FULL, vsock: 3 },
      `${begin}needs "vsock", an object; got 3`,
    ],
  ];
  for (const [description, message] of wrong) {
    const { drives: _, ...rest } = { drives: [], ...description as object };
    const given = Array.isArray(description) ||
        (description as typeof FULL).drives?.length === 1
      ? description
      : rest;
    const error = await assertRejects(
      () => requests(given, path),
      MachineError,
    );
    assertEquals(error.message, message);
  }
  await Deno.remove(file);
  const error = await assertRejects(async () => {
    readDescription(new StartCommand(file), "web", "Firecracker");
    await Promise.resolve();
  }, MachineError);
  assert(error.message.includes("No such file"));
});
