import { assertEquals } from "@std/assert";
import {
  completed,
  type RestoreConfig,
  resumed,
  type VmSnapshotConfig,
} from "../../src/backend/cloud_hypervisor/vm_config.ts";
import { faultsOf } from "./openapi.ts";

const own = {
  absolute: (path: string) => path.startsWith("/") ? path : `/author/${path}`,
  placeDisk: (path: string, number: number) =>
    Promise.resolve(`/state/disk${number} of ${path}`),
  network: {
    wire: (tap: string, address?: string) =>
      Promise.resolve(
        /^vlan\d+$/.test(tap)
          ? { tap: `${tap} made`, address: address ?? "02:made" }
          : { tap, address },
      ),
  },
  vsock: "/state/vsock",
};
const driver = {
  pvpanic: true,
  vsock: { cid: 3, socket: "/state/vsock" },
  serial: { mode: "Tty" },
  console: { mode: "Off" },
} as const;

Deno.test("a configuration gets what the driver has, and keeps what is the author's", async () => {
  assertEquals(
    await completed({
      payload: { kernel: "vmlinux", initramfs: "/i", cmdline: "a=b" },
      memory: { size: 1 },
      landlock_enable: true,
    }, own),
    {
      payload: { kernel: "/author/vmlinux", initramfs: "/i", cmdline: "a=b" },
      memory: { size: 1 },
      landlock_enable: true,
      ...driver,
    },
  );
  const { pvpanic, vsock, serial, console } = await completed({
    payload: { firmware: "CLOUDHV.fd" },
    pvpanic: false,
    vsock: { cid: 77, socket: "mine", id: "v" },
    serial: { mode: "File", file: "mine" },
    console: { mode: "Pty" },
  }, own);
  assertEquals([pvpanic, vsock, serial, console], [
    false,
    { cid: 77, socket: "/state/vsock", id: "v" },
    { mode: "Tty" },
    { mode: "Pty" },
  ]);
});

Deno.test("a disk that the guest may write to is not the author's own", async () => {
  const directory = await Deno.makeTempDir();
  await Deno.writeFile(
    `${directory}/q`,
    Uint8Array.fromHex("514649fb00000003"),
  );
  const { disks } = await completed({
    payload: {},
    disks: [
      { path: "raw" },
      { path: "fixed", readonly: true, serial: "s" },
      { path: `${directory}/q` },
      { path: "vhd", image_type: "FixedVhd" },
      { vhost_user: true, vhost_socket: "s" },
    ],
  }, own);
  assertEquals(disks, [
    { path: "/state/disk0 of /author/raw", image_type: "Raw" },
    { path: "/author/fixed", readonly: true, serial: "s", image_type: "Raw" },
    { path: `/state/disk2 of ${directory}/q`, image_type: "Qcow2" },
    { path: "/state/disk3 of /author/vhd", image_type: "FixedVhd" },
    { vhost_user: true, vhost_socket: "s" },
  ]);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a card on vlan<number> is on that network, and others are the author's", async () => {
  const { net } = await completed({
    payload: {},
    net: [
      { tap: "vlan1", mac: "52:54:00:12:01:01" },
      { tap: "mine" },
      { tap: "vlan12" },
      { vhost_user: true },
    ],
  }, own);
  assertEquals(net, [
    { tap: "vlan1 made", mac: "52:54:00:12:01:01" },
    { tap: "mine" },
    { tap: "vlan12 made", mac: "02:made" },
    { vhost_user: true },
  ]);
});

Deno.test("a saved machine goes on with disks, networks and a socket of its own", async () => {
  const saved = {
    payload: { kernel: "/k" },
    disks: [
      { path: "/old/disk0", id: "_disk0" },
      { path: "/fixed", readonly: true },
    ],
    net: [{ tap: "tap0", id: "_net1", mac: "52:54:00:12:01:01" }],
    vsock: { cid: 3, socket: "/old/vsock", id: "_vsock2" },
    serial: { mode: "Tty" } as const,
  };
  const now = await completed({
    payload: { kernel: "/k" },
    disks: [{ path: "/raw" }, { path: "/fixed", readonly: true }],
    net: [{ tap: "vlan1" }],
  }, own);
  assertEquals(resumed(saved, now), {
    ...saved,
    disks: [
      { path: "/state/disk0 of /raw", id: "_disk0" },
      { path: "/fixed", readonly: true },
    ],
    net: [{ tap: "vlan1 made", id: "_net1", mac: "52:54:00:12:01:01" }],
    vsock: { cid: 3, socket: "/state/vsock", id: "_vsock2" },
  });
  assertEquals(resumed({ payload: {} }, now), { payload: {} });

  const save: VmSnapshotConfig = { destination_url: "file:///saved" };
  const load: RestoreConfig = { source_url: "file:///saved" };
  const faults = await faultsOf("cloud-hypervisor.yaml", [
    { method: "PUT", path: "/vm.snapshot", body: save },
    { method: "PUT", path: "/vm.restore", body: load },
  ]);
  assertEquals(faults ?? [], []);
});
