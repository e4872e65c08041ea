/**
 * What only KVM shows. `deno task lab --long` runs it in the lab's machine; on a
 * host where KVM works, `deno test -A tests/lab/kvm.ts` does.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { accelerator } from "../../mod.ts";
import { react } from "../bench/cases/waits.ts";
import { openLab } from "../bench/lab.ts";
import { booted } from "../machine/booted.ts";

/** Starts that must not hang. */
const STARTS = Number(Deno.env.get("VMWRIGHT_LAB_STARTS") ?? 40);
/** How often twenty commands follow each other, by each of two drivers. */
const ROUNDS = 5;
/**
 * How long a guest may idle until its first answer, in commands: it waits for the
 * driver a few times until then, which takes long where the host is busy.
 */
const IDLE_COMMANDS = 15;

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Milliseconds of each of so many commands that start no process. */
async function builtins(
  machine: { succeed(command: string): Promise<string> },
  count: number,
): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < count; n++) {
    const began = performance.now();
    await machine.succeed("true");
    took.push(performance.now() - began);
  }
  return took;
}

/** Tells a figure in a line that the lab looks for. */
function tell(text: string): void {
  console.log(`measured: ${text}`);
}

Deno.test("KVM is found by trying it", async () => {
  assertEquals(await accelerator({ timeout: 120 }), "kvm");
});

Deno.test("no guest on KVM idles before its first answer", async () => {
  const idle: number[] = [];
  const boots: number[] = [];
  const standing: string[] = [];
  for (let n = 0; n < STARTS; n++) {
    await using lab = await booted();
    const { machine } = lab;
    const began = performance.now();
    await machine.start();
    const idled = Number(
      await machine.succeed("read -r _ idle </proc/uptime; echo $idle"),
    );
    boots.push((performance.now() - began) / 1000);
    idle.push(idled);
    const command = median(await builtins(machine, 10)) / 1000;
    if (idled > IDLE_COMMANDS * command) {
      standing.push(`${idled} s, where a command takes ${command} s`);
    }
  }
  tell(
    `${STARTS} starts, seconds to the first answer: median ` +
      `${median(boots).toFixed(1)}, longest ${Math.max(...boots).toFixed(1)}`,
  );
  tell(
    `seconds that the guest idled until then: median ` +
      `${median(idle).toFixed(2)}, most ${Math.max(...idle).toFixed(2)}`,
  );
  assertEquals(standing, []);
});

Deno.test("commands and waits on KVM are prompt", async () => {
  await using lab = await openLab();
  const { machine, classic } = lab;
  const answer = await machine.qmpClient.send("query-kvm");
  assertEquals(answer, { enabled: true, present: true });
  const ours: number[] = [], others: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(...await builtins(machine, 20));
    others.push(...await builtins(classic, 20));
  }
  tell(
    `ms of succeed("true"): median ${median(ours).toFixed(1)}, ` +
      `longest ${Math.max(...ours).toFixed(1)}; of a model of the classic ` +
      `driver: ${median(others).toFixed(1)}, ${
        Math.max(...others).toFixed(1)
      }; ` +
      `${(median(others) / median(ours)).toFixed(1)} times as fast`,
  );
  const reactions: number[] = [];
  for (let n = 0; n < 10; n++) {
    reactions.push(
      await react(lab, {
        prepare: `rm -f /tmp/there`,
        happen: ": >/tmp/there",
      }, () => machine.waitForFile("/tmp/there")),
    );
  }
  tell(
    `ms from making a file to the end of waitForFile: median ` +
      `${median(reactions).toFixed(1)}, longest ` +
      `${Math.max(...reactions).toFixed(1)}`,
  );
});

Deno.test("a guest on KVM that stands still is told as such, and what comes then goes on", async () => {
  await using lab = await booted({ names: ["still", "other"] });
  const [still, other] = lab.machines;
  await Promise.all([still.succeed("true"), other.succeed("true")]);
  Deno.kill(still.pid!, "SIGSTOP");
  await assertRejects(() => still.succeed("true", { timeout: 5 }));
  assertEquals(await other.succeed("echo on"), "on\n");
  await still.crash();
  assertEquals(still.isUp(), false);
  assertEquals(await still.succeed("echo again"), "again\n");
});
