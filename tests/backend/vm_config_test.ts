import { assertEquals } from "@std/assert";
import { completed } from "../../src/backend/cloud_hypervisor/vm_config.ts";

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
