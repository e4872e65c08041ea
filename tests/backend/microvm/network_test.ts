import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Taps } from "../../../src/backend/mod.ts";
import { MicroVmNetwork } from "../../../src/backend/microvm/network.ts";
import { MachineError } from "../../../src/errors.ts";

/** Makes TAPs that are mere names, and records the calls on them. */
function made() {
  const done: string[] = [];
  const taps: Taps = {
    enter: () => Promise.resolve(["nsenter", "--"]),
    add(vlan) {
      const name = `tap${done.length}`;
      done.push(`${name} on ${vlan}`);
      return Promise.resolve({
        name,
        socketDir: `/vlan${vlan}`,
        plug: (isIn) => Promise.resolve(void done.push(`${name} ${isIn}`)),
        divert: () => Promise.reject(new Error("it is of a name alone")),
        remove: () => Promise.resolve(void done.push(`${name} gone`)),
      });
    },
  };
  return { done, network: new MicroVmNetwork({ name: "web", taps }) };
}

Deno.test("a card whose TAP is called after a VLAN is on it, and others are the author's", async () => {
  const { done, network } = made();
  assertEquals(await network.enter(), []);
  assertEquals(await network.wire("mine", "52:54:00:12:01:01"), {
    tap: "mine",
    address: "52:54:00:12:01:01",
  });
  assertEquals(await network.wire("vlan1x"), {
    tap: "vlan1x",
    address: undefined,
  });
  assertEquals(await network.enter(), []);
  assertEquals(await network.wire("vlan12", "52:54:00:12:0c:01"), {
    tap: "tap0",
    address: "52:54:00:12:0c:01",
  });
  assertEquals(await network.enter(), ["nsenter", "--"]);
  assertEquals(network.ownInterface, "mine");
  const card = await network.card("/vlan12");
  assertEquals(card?.address, "52:54:00:12:0c:01");
  assertEquals(await network.card("/vlan1"), undefined);
  await network.plug(false);
  await network.remove();
  assertEquals(done, ["tap0 on 12", "tap0 false", "tap0 gone"]);
});

Deno.test("a card on a VLAN has an address of its own, the same at each start", async () => {
  const addresses = async () => {
    const { network } = made();
    return [await network.wire("vlan1"), await network.wire("vlan2")]
      .map(({ address }) => address!);
  };
  const [one, two] = await addresses();
  // A local one, of a single card.
  assertMatch(one, /^02(:[0-9a-f]{2}){5}$/);
  assertEquals(one === two, false);
  assertEquals(await addresses(), [one, two]);
});

Deno.test("without TAPs, a card is on no VLAN", async () => {
  const network = new MicroVmNetwork({ name: "web" });
  const error = await assertRejects(() => network.wire("vlan1"), MachineError);
  assertEquals(
    error.message,
    "web did not start: its description wires it to VLAN 1, and the driver " +
      "makes no TAPs here",
  );
});
