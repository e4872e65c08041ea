import { Driver, Log, type MachineOf, type RunEvent } from "../../../mod.ts";
import { guest, type GuestName } from "../../guests/mod.ts";
import { timed } from "../clock.ts";
import type { Part, Scale } from "../part.ts";
import type { Result } from "../result.ts";

/** How many MiB a byte is. */
const MIB = 2 ** -20;

/** How many forks in a row follow a snapshot. */
const ROW = 5;
/** How many forks are side by side, and how many subtests run one after another. */
const FORKS = 10, SUBTESTS = 20;
/** How many subtests run without forks, each after a boot. */
const BOOTED_SUBTESTS = 2;

/** Seconds that a subtest takes, in which a fork for the next one is made. */
const SUBTEST = 2;

/** Guests that go on from a snapshot, beside guests that boot. */
export const snapshots: Part = {
  name: "snapshots",
  async run(scale, tell) {
    for (const [name, share] of [["tiny", 0.15], ["debian", 0.02]] as const) {
      const boots = await measure(name, scale, tell);
      await measureAhead(name, scale, tell, boots, share);
      await measureSubtests(name, tell, boots);
    }
  },
};

/**
 * A driver with one machine, which ends with all that it has made.
 *
 * @param ahead Whether forks are made ahead; if a processor is idle, by default.
 */
async function withMachine(name: GuestName, ahead?: boolean) {
  const { startScriptFor } = await guest(name);
  const outDir = await Deno.makeTempDir({ prefix: "vmwright-bench-" });
  const seen = { stood: 0 };
  const log = new Log([{
    on(event: RunEvent) {
      if (event.type === "snapshotTaken") seen.stood = event.duration;
    },
  }]);
  const driver = await Driver.create({
    machines: [startScriptFor("machine")],
    outDir,
    log,
    forks: { forks: FORKS, memory: 2 ** 40, ahead },
  });
  return {
    driver,
    machine: driver.machinesQemu[0],
    seen,
    async [Symbol.asyncDispose]() {
      await driver[Symbol.asyncDispose]();
      await log.close();
      await Deno.remove(outDir, { recursive: true });
    },
  };
}

/** Forks that are made when they are asked for; boots are returned, in milliseconds. */
async function measure(
  name: GuestName,
  { longRounds }: Scale,
  tell: (result: Result) => void,
): Promise<number[]> {
  await using made = await withMachine(name, false);
  const { driver, machine, seen } = made;
  const boots: number[] = [], loads: number[] = [], forks: number[] = [];
  const stands: number[] = [];
  for (let round = 0; round < longRounds; round++) {
    await machine.crash();
    boots.push(await timed(() => ready(machine, name)));
    await using snapshot = await driver.snapshot();
    stands.push(1000 * seen.stood);
    // The first reads programs that the cache has not.
    for (let fork = 0; fork <= ROW; fork++) {
      const taken = await timedFork(snapshot);
      if (fork > 0) forks.push(taken);
    }
    if (name === "debian") loads.push(await loadsInPlace(machine));
  }
  tell({
    name: `${name}: a fork made when it is asked for, to its first answer`,
    unit: "ms",
    ours: forks,
    other: boots,
    against: "a boot",
  });
  tell({
    name: `${name}: standing still for a snapshot`,
    unit: "ms",
    ours: stands,
    aim: { atMost: 300 },
  });
  if (loads.length > 0) {
    tell({
      name: `${name}: a fork, beside loadvm in place`,
      unit: "ms",
      ours: forks,
      other: loads,
      against: "QEMU's loadvm, and the first answer after it",
    });
  }
  await using snapshot = await driver.snapshot();
  tell({
    name: `${name}: memory of each of ${FORKS} forks side by side`,
    unit: "MiB",
    ours: [await memoryOfForks(snapshot)],
    aim: { atMost: 200 },
  });
  return boots;
}

/** Forks that are made before they are asked for. */
async function measureAhead(
  name: GuestName,
  { longRounds }: Scale,
  tell: (result: Result) => void,
  boots: number[],
  share: number,
): Promise<void> {
  await using made = await withMachine(name, true);
  const { driver, machine } = made;
  await ready(machine, name);
  await using snapshot = await driver.snapshot();
  const forks: number[] = [];
  for (let fork = 0; fork <= ROW * longRounds; fork++) {
    const taken = await timedFork(snapshot, SUBTEST);
    if (fork > 0) forks.push(taken);
  }
  tell({
    name:
      `${name}: a fork made ahead, while subtests of ${SUBTEST} s follow each other`,
    unit: "ms",
    ours: forks,
    other: boots,
    against: "a boot",
    aim: { share },
  });
}

/** Subtests in a row: each on a fork, as drivers make them by default, or a boot. */
async function measureSubtests(
  name: GuestName,
  tell: (result: Result) => void,
  boots: number[],
): Promise<void> {
  await using made = await withMachine(name);
  const { driver, machine } = made;
  await ready(machine, name);
  await using snapshot = await driver.snapshot();
  tell({
    name: `${name}: ${SUBTESTS} subtests on forks, one after the other`,
    unit: "ms",
    ours: [
      await timed(async () => {
        for (let nr = 0; nr < SUBTESTS; nr++) {
          await driver.subtest(
            String(nr),
            { from: snapshot },
            ({ machine }) => machine.succeed("true"),
          );
        }
      }),
    ],
    other: boots,
    against: "one boot",
    aim: { share: 1.5 },
  });
  await snapshot[Symbol.asyncDispose]();
  tell({
    name:
      `${name}: ${BOOTED_SUBTESTS} subtests without forks, each after a boot`,
    unit: "ms",
    ours: [
      await timed(async () => {
        for (let nr = 0; nr < BOOTED_SUBTESTS; nr++) {
          await machine.crash();
          await driver.subtest(String(nr), async () => {
            await ready(machine, name);
            await machine.succeed("true");
          });
        }
      }),
    ],
    other: boots,
    against: "one boot",
  });
}

/**
 * How long a fork takes to its first answer.
 *
 * @param seconds How long it is used then.
 */
async function timedFork(
  snapshot: Awaited<ReturnType<Driver["snapshot"]>>,
  seconds = 0,
): Promise<number> {
  const began = performance.now();
  await using made = await snapshot.fork();
  await made.named.machine.succeed("true");
  const taken = performance.now() - began;
  if (seconds > 0) await made.named.machine.succeed(`sleep ${seconds}`);
  return taken;
}

/** Boots a machine until a test can begin. */
async function ready(
  machine: MachineOf<"qemu">,
  name: GuestName,
): Promise<void> {
  await machine.connect();
  if (name === "debian") await machine.waitForUnit("multi-user.target");
}

/** How long QEMU's own way back takes, to the first answer. */
async function loadsInPlace(machine: MachineOf<"qemu">): Promise<number> {
  await machine.succeed("umount /tmp/shared || true");
  await machine.sendMonitorCommand("savevm bench");
  return await timed(async () => {
    await machine.sendMonitorCommand("loadvm bench");
    await machine.succeed("true");
  });
}

/** MiB of memory that each of the forks takes, once it has answered. */
async function memoryOfForks(
  snapshot: Awaited<ReturnType<Driver["snapshot"]>>,
): Promise<number> {
  await using forks = new AsyncDisposableStack();
  const pids: number[] = [];
  for (let nr = 0; nr < FORKS; nr++) {
    const fork = forks.use(await snapshot.fork());
    await fork.named.machine.succeed("true");
    pids.push(fork.named.machine.pid!);
  }
  const bytes = pids.map((pid) => {
    const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
    return 1024 * Number(/^Pss: +(\d+) kB/m.exec(text)![1]);
  });
  return bytes.reduce((sum, one) => sum + one, 0) / FORKS * MIB;
}
