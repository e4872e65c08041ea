import { assertEquals, assertRejects } from "@std/assert";
import { QemuNetwork } from "../../src/backend/qemu/network.ts";
import type { Sockets } from "../../src/backend/qemu/sockets.ts";
import { type QmpClient, QmpError } from "../../src/qmp/mod.ts";

/** What QEMU 7.2 says of a machine whose cards are on virtio-mmio. */
const WIRED = [
  "virtio-net-device.0: index=0,type=nic,model=virtio-net-device," +
  "macaddr=52:54:00:12:34:56",
  " \\ user.0: index=0,type=user,net=10.0.2.0,restrict=off",
  "virtio-net-device.1: index=0,type=nic,model=virtio-net-device," +
  "macaddr=52:54:00:12:01:03",
  " \\ vlan1: index=0,type=vde,sock=/run/vde1.ctl,fd=25",
];

/** The network of a machine with these cards, and the links that were set. */
function networkOf(lines: string[]) {
  const links: Record<string, boolean> = {};
  const send = (command: string, args: { name: string; up: boolean }) => {
    if (command !== "set_link") return Promise.resolve(lines.join("\r\n"));
    const { name, up } = args;
    if (!lines.some((line) => line.startsWith(`${name}:`))) {
      return Promise.reject(
        new QmpError(command, "DeviceNotFound", `Device '${name}' not found`),
      );
    }
    links[name] = up;
    return Promise.resolve({});
  };
  const qmp = { send } as unknown as QmpClient;
  return { network: new QemuNetwork(qmp, {} as Sockets), links };
}

Deno.test("the cable of a PC's second card is unplugged", async () => {
  const { network, links } = networkOf(
    WIRED.map((line) => line.replace("virtio-net-device.", "virtio-net-pci.")),
  );
  await network.plug(false);
  assertEquals(links, { "virtio-net-pci.1": false });
});

Deno.test("the cable of a card on virtio-mmio is unplugged, and plugged in", async () => {
  const { network, links } = networkOf(WIRED);
  await network.plug(false);
  assertEquals(links, { "virtio-net-device.1": false });
  await network.plug(true);
  assertEquals(links, { "virtio-net-device.1": true });
});

Deno.test("a machine without a card on a VLAN has no cable to unplug", async () => {
  const { network, links } = networkOf(WIRED.slice(0, 2));
  await assertRejects(() => network.plug(false), QmpError, "not found");
  assertEquals(links, {});
});
