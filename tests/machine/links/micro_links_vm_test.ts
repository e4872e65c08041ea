/** The links of microVMs, whose frames the driver leads through itself. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type BaseMachine,
  Driver,
  type Fault,
  Log,
  MachineError,
  type MachineOf,
  retry,
} from "../../../mod.ts";
import { Script } from "../../../src/script/mod.ts";
import { runPython } from "../../../src/script/python/mod.ts";
import { trials } from "../backends.ts";
import { answered, hears, ping } from "./ping.ts";
import { randomFaults } from "./random_faults.ts";
import { blocksOf } from "./read_pcapng.ts";

const ICMP = 1, ECHO_REQUEST = 8, ECHO_REPLY = 0;
const [address1, address2] = ["192.168.1.1", "192.168.1.2"];

/** How many processes this one has that carry frames. */
function carriers(): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
      const [, comm, , parent] = /\((.*)\) (\S) (\d+)/.exec(stat)!;
      if (comm.startsWith("vde_") && Number(parent) === Deno.pid) count++;
    } catch {
      // It has ended meanwhile.
    }
  }
  return count;
}

Deno.test("links of microVMs", async (t) => {
  const directory = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const log = new Log([]);
  stack.defer(() => log.close());
  const micro = trials.filter(({ backend }) => backend !== "qemu");
  const driver = stack.use(
    await Driver.create({
      machines: [
        await micro[0].startCommand("node1", directory, {
          vlans: [1],
          number: 1,
        }),
        await micro[1].startCommand("node2", directory, {
          vlans: [1],
          number: 2,
        }),
        await micro[0].startCommand("alone", directory),
      ],
      vlans: [1],
      outDir: `${directory}/out`,
      log,
      seed: 7,
    }),
  );
  const machines: BaseMachine[] = driver.machines;
  const [alone, node1, node2] = machines as MachineOf<
    "firecracker" | "cloud-hypervisor"
  >[];
  const [vlan1] = driver.vlans;
  const [one, two] = [node1.link(vlan1), node2.link(vlan1)];
  const early = await two.set({ delay: 0.02, direction: "receive" });
  await Promise.all([node1.connect(), node2.connect()]);
  await hears(node1, address2);

  await t.step("what is set before a start holds after it", async () => {
    const { milliseconds } = await answered(node1, address2);
    assert(milliseconds.every((time) => time >= 20), `${milliseconds}`);
    assert(two.counters().received.frames > 0);
    assertEquals(two.counters().sent.lost, 0);
    await early.heal();
    await hears(node1, address2);
  });
  const bare = carriers();

  await t.step("a delay is for each direction, and ends", async () => {
    {
      await using _slow = await one.set({ delay: 0.05 });
      const { answers, milliseconds } = await answered(node1, address2);
      assertEquals(answers, 3);
      assert(milliseconds.every((time) => time >= 100), `${milliseconds}`);
      assert(carriers() > bare);
    }
    assertEquals(carriers(), bare);
    assertEquals((await answered(node1, address2)).answers, 3);
  });

  await t.step("set({}) takes away what was set, for a direction", async () => {
    await one.set({ loss: 1, direction: "receive" });
    const send = await one.set({ delay: 0.03, direction: "send" });
    assertEquals((await ping(node1, address2)).answers, 0);
    await retry(() => one.counters().received.lost > 0);
    await one.set({ direction: "receive" });
    const { milliseconds } = await answered(node1, address2);
    assert(milliseconds.every((time) => time >= 30), `${milliseconds}`);
    await one.set({});
    assert(send.isOver);
    assertEquals(carriers(), bare);
  });

  await t.step("every frame twice is two answers to each echo", async () => {
    await using _double = await one.set({ duplicate: 1, direction: "receive" });
    await answered(node1, address2, { count: 5, least: 6 });
  });

  await t.step("a cable that is pulled carries nothing", async () => {
    const down = await one.down();
    assertEquals((await ping(node1, address2)).answers, 0);
    assertEquals((await ping(node2, address1)).answers, 0);
    await one.up();
    assert(down.isOver);
    await hears(node1, address2);
    await node2.block();
    assertEquals((await ping(node1, address2, 1)).answers, 0);
    await node2.unblock();
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
    await one.set({});
  });

  await t.step("a partition ends, and one of one way is one", async () => {
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
    assertEquals(carriers(), bare);
  });

  await t.step("a capture has what the guest sees, by name", async () => {
    await hears(node1, address2);
    const capture = await one.capture();
    await one.set({ loss: 1, direction: "receive" });
    await ping(node1, address2, 1);
    await one.set({});
    assert(carriers() > bare);
    await capture.heal();
    assertEquals(carriers(), bare);
    const { interfaces, packets } = blocksOf(await Deno.readFile(capture.path));
    assertEquals(interfaces, ["node1"]);
    const isEcho = ({ frame }: { frame: Uint8Array }) =>
      frame[23] === ICMP && frame[34] === ECHO_REQUEST;
    assert(packets.some(isEcho));
    assert(
      packets.filter(isEcho).every(({ direction }) => direction === "out"),
    );
  });

  await t.step("a capture of the VLAN has what goes between them", async () => {
    await hears(node1, address2);
    await using capture = await vlan1.capture();
    const isAnswer = ({ frame }: { frame: Uint8Array }) =>
      frame[23] === ICMP && frame[34] === ECHO_REPLY;
    let packets: { frame: Uint8Array }[] = [];
    // It is written as frames come, which the guests do not wait for.
    for (let tries = 0; !packets.some(isAnswer); tries++) {
      assert(tries < 1000, "it has no answer of theirs");
      await hears(node1, address2);
      ({ packets } = blocksOf(await Deno.readFile(capture.path)));
    }
  });

  await t.step("a machine without a card on the VLAN is told so", async () => {
    await alone.start();
    const error = await assertRejects(
      () => alone.link(vlan1).set({ delay: 1 }),
      MachineError,
    );
    assertEquals(
      error.message,
      'alone has no card on VLAN 1: its description has none with the TAP "vlan1"',
    );
    await alone.crash();
  });

  await t.step("a script in Python breaks them too", async () => {
    const code = `
with node1.link(vlan1).set(loss=1, direction="receive"):
    node1.fail("busybox ping -c 1 -W 1 ${address2}")
node1.wait_until_succeeds("busybox ping -c 1 -W 1 ${address2}")
with vlan1.partition([node1], [node2], one_way=True):
    node2.fail("busybox ping -c 1 -W 1 ${address1}")
`;
    await runPython(new Script({ code, language: "python" }), driver);
    assertEquals(carriers(), bare);
  });

  await t.step("faults at random leave nothing", async () => {
    await randomFaults({
      driver,
      speaker: node1,
      address: address2,
      links: [one, two],
      partition: (oneWay) => vlan1.partition([node1], [node2], { oneWay }),
    });
    assertEquals(carriers(), bare);
    await hears(node1, address2);
  });

  await t.step("a partition outlives a machine's crash", async () => {
    const split = await vlan1.partition([node1], [node2]);
    await node2.crash();
    await node2.connect();
    assertEquals((await ping(node2, address1)).answers, 0);
    await split.heal();
    await hears(node2, address1);
    assertEquals(carriers(), bare);
  });
});
