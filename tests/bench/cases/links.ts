import { Driver, Log, type MachineOf } from "../../../mod.ts";
import { guest } from "../../guests/mod.ts";
import { ownCpu, timed } from "../clock.ts";
import type { Part } from "../part.ts";

/** Faults that are set and ended, to measure how long that takes. */
const PLUGS = 20;
/** Seconds of delay, in each direction, and milliseconds of both. */
const DELAY = 0.05, BOTH_WAYS = 100;
/**
 * The number of frames, the fraction that is lost, and the range of 99 of 100
 * runs.
 */
const FRAMES = 10_000, LOSS = 20;
const SPREAD = 2.576 * Math.sqrt(LOSS * (100 - LOSS) / FRAMES);
/** MiB that a machine sends to another at once. */
const SIZE = 5;
/** More than any guest sends: every frame passes the relay, and none waits. */
const RELAYED = { bandwidth: 1e15 };

/** The cost of links' faults, and whether they are right. */
export const links: Part = {
  name: "links",
  async run({ rounds }, tell) {
    const { startScriptFor } = await guest("tiny");
    const directory = await Deno.makeTempDir({ prefix: "vmwright-bench-" });
    const log = new Log([]);
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(directory, { recursive: true }));
    stack.defer(() => log.close());
    const driver = stack.use(
      await Driver.create({
        machines: ["node1", "node2"].map((name) => ({
          name,
          startCommand: startScriptFor(name),
        })),
        vlans: [1],
        outDir: directory,
        log,
      }),
    );
    const [node1, node2] = driver.machines;
    const [vlan1] = driver.vlans;
    const link = node1.link(vlan1);
    await driver.startAll();
    await Promise.all(driver.machines.map((machine) => machine.connect()));
    await node1.waitUntilSucceeds("busybox ping -c 1 -W 1 192.168.1.2");

    const plug: number[] = [], unplug: number[] = [];
    for (let n = 0; n < PLUGS; n++) {
      const began = performance.now();
      const fault = await link.set({ delay: DELAY });
      plug.push(performance.now() - began);
      unplug.push(await timed(() => fault.heal()));
    }
    tell({
      name: "a link's first fault, until it is there",
      unit: "ms",
      ours: plug,
      aim: { atMost: 50 },
    });
    tell({
      name: "a link's last fault, until nothing is left of it",
      unit: "ms",
      ours: unplug,
      aim: { atMost: 50 },
    });

    const late: number[] = [], bare: number[] = [];
    for (let n = 0; n < rounds; n++) {
      bare.push(await echo(node1));
      await using _slow = await link.set({ delay: DELAY });
      late.push(await echo(node1) - bare.at(-1)!);
    }
    tell({
      name: `${BOTH_WAYS} ms of delay, both ways together`,
      unit: "ms",
      ours: late,
      aim: { atLeast: 90, atMost: 110 },
      note: "above what an echo takes without",
    });

    const speed = { ours: [] as number[], other: [] as number[] };
    const whole: number[] = [], cpu: number[] = [];
    for (let n = 0; n < rounds; n++) {
      speed.other.push(await send(node1, node2, SIZE));
      await link.set({ delay: DELAY });
      await link.set({});
      speed.ours.push(await send(node1, node2, SIZE));
      await using _relay = await link.set(RELAYED);
      const before = ownCpu();
      whole.push(await send(node1, node2, SIZE));
      cpu.push((ownCpu() - before) / SIZE);
    }
    tell({
      name: "throughput of a VLAN, no fault set any more",
      unit: "MB/s",
      ...speed,
      against: "a VLAN on which nothing was set yet",
      aim: { share: 1.05 },
    });
    tell({
      name: "throughput of a VLAN, every frame through the relay",
      unit: "MB/s",
      ours: whole,
      other: speed.other,
      against: "a VLAN on which nothing was set yet",
      aim: { share: 1.05 },
    });
    tell({
      name: "driver CPU per MiB through the relay",
      unit: "ms/MiB",
      ours: cpu,
    });

    const before = link.counters().sent;
    await using _loss = await link.set({ loss: LOSS / 100, direction: "send" });
    await node1.succeed(
      "exec 3<>/dev/udp/192.168.1.2/9; " +
        `for ((n = 0; n < ${FRAMES}; n++)); do echo >&3; done || :`,
    );
    const after = link.counters().sent;
    const frames = after.frames - before.frames;
    tell({
      name: `${LOSS} % loss, of ${FRAMES} frames`,
      unit: "%",
      ours: [(after.lost - before.lost) / frames * 100],
      aim: {
        atLeast: Number((LOSS - SPREAD).toFixed(2)),
        atMost: Number((LOSS + SPREAD).toFixed(2)),
      },
      note: `of ${frames} frames; what is wanted is right in 99 of 100 runs`,
    });
  },
};

/** Milliseconds of an echo: the median of some. */
async function echo(machine: MachineOf<"qemu">): Promise<number> {
  const said = await machine.succeed(
    "busybox ping -c 9 -i 0.2 192.168.1.2",
  );
  const times = [...said.matchAll(/time=([\d.]+) ms/g)]
    .map(([, time]) => Number(time)).toSorted((a, b) => a - b);
  return times[times.length >> 1];
}

/** Megabytes in a second that a machine sends to another. */
async function send(
  from: MachineOf<"qemu">,
  to: MachineOf<"qemu">,
  megabytes: number,
): Promise<number> {
  // An nc whose stdin is at its end has the other one end, too.
  const taken = to.succeed(
    "[ -p /hold ] || mkfifo /hold; nc -l -p 8000 <>/hold | wc -c",
  );
  taken.catch(() => {});
  // Whoever connects is the one that is listened to.
  await to.waitUntilSucceeds("grep -q ':1F40 .* 0A ' /proc/net/tcp*");
  const milliseconds = await timed(async () => {
    await from.succeed(
      `head -c ${megabytes}M /dev/zero | nc 192.168.1.2 8000`,
    );
    await taken;
  });
  return megabytes * 1.048576 / milliseconds * 1000;
}
