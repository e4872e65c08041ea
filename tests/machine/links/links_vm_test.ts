import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Fault,
  MachineError,
  type MachineOf,
  retry,
  UsageError,
  type Vlan,
} from "../../../mod.ts";
import { guest } from "../../guests/mod.ts";
import { booted } from "../booted.ts";
import { answered, hears, ping } from "./ping.ts";
import { randomFaults } from "./random_faults.ts";
import { blocksOf } from "./read_pcapng.ts";

const ICMP = 1, ECHO_REQUEST = 8;

/** What QEMU has of filters and sockets. */
async function insides(machine: MachineOf<"qemu">): Promise<string[]> {
  const chardevs = await machine.qmpClient.send("query-chardev") as {
    label: string;
  }[];
  const objects = await machine.qmpClient.send("qom-list", {
    path: "/objects",
  }) as { name: string }[];
  return [
    ...chardevs.map(({ label }) => label),
    ...objects.map(({ name }) => name),
  ]
    .toSorted();
}

/** The files that this process has open. */
function openFiles(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

Deno.test("links of machines", async (t) => {
  await using test = await booted({
    names: ["node1", "node2"],
    vlans: [1],
    seed: 7,
  });
  const { driver, machines: [node1, node2], events } = test;
  const [vlan1] = driver.vlans;
  const [one, two] = [node1.link(vlan1), node2.link(vlan1)];
  const [address1, address2] = ["192.168.1.1", "192.168.1.2"];
  const whole = await vlan1.capture("whole");
  // Before the machine is there, as a part of the network.
  const early = await two.set({ delay: 0.02, direction: "receive" });
  await driver.startAll();
  await hears(node1, address2);

  await t.step("what is set before a start holds after it", async () => {
    const { milliseconds } = await answered(node1, address2);
    assert(milliseconds.every((time) => time >= 20), `${milliseconds}`);
    assert(two.counters().received.frames > 0);
    assertEquals(two.counters().sent.lost, 0);
    await early.heal();
    assert(early.isOver);
  });
  const bare = await insides(node1);

  await t.step("a delay is for each direction, and ends", async () => {
    {
      await using _slow = await one.set({ delay: 0.05 });
      const { answers, milliseconds } = await answered(node1, address2);
      assertEquals(answers, 3);
      assert(milliseconds.every((time) => time >= 100), `${milliseconds}`);
      assert((await insides(node1)).length > bare.length);
    }
    assertEquals(await insides(node1), bare);
    assertEquals((await answered(node1, address2)).answers, 3);
  });

  await t.step("set({}) takes away what was set, for a direction", async () => {
    await one.set({ loss: 1, direction: "receive" });
    const send = await one.set({ delay: 0.03, direction: "send" });
    assertEquals((await ping(node1, address2)).answers, 0);
    await one.set({ direction: "receive" });
    const { milliseconds } = await answered(node1, address2);
    assert(milliseconds.every((time) => time >= 30), `${milliseconds}`);
    await one.set({});
    assert(send.isOver);
    assertEquals(await insides(node1), bare);
  });

  await t.step("every frame twice is two answers to each echo", async () => {
    await using _double = await one.set({ duplicate: 1, direction: "receive" });
    await answered(node1, address2, { count: 5, least: 6 });
  });

  await t.step("a cable that is pulled shows in the guest", async () => {
    const down = await one.down();
    await node1.waitUntilSucceeds("grep -x 0 /sys/class/net/eth1/carrier", {
      timeout: 60,
    });
    await one.up();
    assert(down.isOver);
    await node1.waitUntilSucceeds("grep -x 1 /sys/class/net/eth1/carrier", {
      timeout: 60,
    });
    await hears(node1, address2);
  });

  await t.step("a subtest's faults end with it, others go on", async () => {
    await one.set({ delay: 0.04 });
    let inner: Fault | undefined;
    await driver.subtest("inner", async () => {
      inner = await one.set({ loss: 1 });
      await two.down();
      assertEquals((await ping(node1, address2, 1)).answers, 0);
    });
    assert(inner?.isOver);
    await hears(node1, address2);
    const { milliseconds } = await answered(node1, address2);
    assert(milliseconds.every((time) => time >= 80), `${milliseconds}`);
    await assertRejects(
      () =>
        driver.subtest("fails", async () => {
          await one.set({});
          await two.down();
          throw new Error("on purpose");
        }),
      Error,
      "on purpose",
    );
    await hears(node1, address2);
    const { milliseconds: again } = await answered(node1, address2);
    assert(again.every((time) => time >= 80), `${again}`);
    await one.set({});
  });

  await t.step(
    "a partition ends, and one of one way is of one way",
    async () => {
      {
        await using _split = await vlan1.partition([node1], [node2]);
        assertEquals((await ping(node1, address2)).answers, 0);
        assertEquals((await ping(node2, address1)).answers, 0);
      }
      await hears(node1, address2);
      await vlan1.partition([node1], [node2], { oneWay: true });
      const received = () => [one, two].map((link) => link.counters().received);
      const before = received();
      assertEquals((await ping(node2, address1)).answers, 0);
      await retry(() => received()[1].barred > before[1].barred);
      const after = received();
      assert(after[0].frames > before[0].frames);
      assertEquals(after[0].barred, before[0].barred);
      await vlan1.heal();
      await hears(node2, address1);
      assertEquals(await insides(node1), bare);
    },
  );

  await t.step("invalid partitions are refused", async () => {
    const refused: [Parameters<Vlan["partition"]>, string][] = [
      [[[node1]], "Expected two groups"],
      [[[node1], []], "Expected two groups"],
      [[[node1, node2], [node1]], "got node1 twice"],
    ];
    for (const [groups, words] of refused) {
      await assertRejects(
        () => vlan1.partition(...groups),
        UsageError,
        words,
      );
    }
  });

  await t.step("a machine without a card on the VLAN is told so", async () => {
    const { startScriptFor } = await guest("tiny");
    const alone = driver.createMachine(
      `env -u QEMU_VDE_SOCKET_1 ${startScriptFor("alone")}`,
      { name: "alone" },
    );
    await alone.start();
    await assertRejects(
      () => alone.link(vlan1).set({ delay: 1 }),
      MachineError,
      "alone has no card on VLAN 1",
    );
    await alone.release();
  });

  await t.step("a capture has what the guest sees, by name", async () => {
    // The guest keeps on sending to whom it knows, though nobody answers.
    await hears(node1, address2);
    const capture = await one.capture();
    assertEquals(capture.path, `${test.outDir}/node1-vlan1.pcapng`);
    await one.set({ loss: 1, direction: "receive" });
    await ping(node1, address2, 1);
    await capture.heal();
    await one.set({});
    const { interfaces, packets } = blocksOf(await Deno.readFile(capture.path));
    assertEquals(interfaces, ["node1"]);
    const echoes = packets.filter(({ frame }) => frame[23] === ICMP);
    assert(echoes.length > 0);
    // What the network itself does may still come before the link drops it.
    for (const { frame, direction } of echoes) {
      assertEquals([frame[34], direction], [ECHO_REQUEST, "out"]);
    }
    assertEquals(await insides(node1), bare);
    await assertRejects(
      () => one.capture({ name: "../elsewhere" }),
      UsageError,
      "Expected the name of a file for a capture",
    );
  });

  await t.step("a hundred faults at random leave nothing", async () => {
    const files = openFiles();
    await randomFaults({
      driver,
      speaker: node1,
      address: address2,
      links: [one, two],
      partition: (oneWay) => vlan1.partition([node1], [node2], { oneWay }),
    });
    for (const machine of [node1, node2]) {
      assertEquals(await insides(machine), bare);
    }
    await hears(node1, address2);
    assertEquals(openFiles(), files);
    // What two captures write in turn is one after the other.
    for (let n = 0; n < 5; n++) {
      const path = `${test.outDir}/random${n}.pcapng`;
      const bytes = await Deno.readFile(path).catch(() => undefined);
      if (bytes !== undefined) blocksOf(bytes);
    }
  });

  await t.step("a partition outlives a machine's crash", async () => {
    const split = await vlan1.partition([node1], [node2]);
    await node2.crash();
    await node2.start();
    await node2.connect();
    assertEquals((await ping(node2, address1)).answers, 0);
    await split.heal();
    await hears(node2, address1);
  });

  await t.step("a VLAN's capture has each machine's frames once", async () => {
    await whole.heal();
    const { interfaces, packets } = blocksOf(await Deno.readFile(whole.path));
    assertEquals(interfaces.toSorted(), ["node1", "node2"]);
    for (const name of interfaces) {
      assert(packets.some((packet) => packet.interface === name));
    }
    const times = packets.map(({ microseconds }) => microseconds);
    assertEquals(times, times.toSorted((a, b) => a - b));
  });

  await t.step("the log has the seed of random decisions", () => {
    const said = events.filter((event) =>
      event.type === "message" && event.text.includes("--seed 7")
    );
    assertEquals(said.length, 1);
  });
});
