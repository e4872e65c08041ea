/** Forks that are made before anybody asks for them. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { MachineOf } from "../../mod.ts";
import { gone, isAlive, processesWith } from "../backend/processes.ts";
import { type Booted, booted } from "../machine/booted.ts";

type Node = MachineOf<"qemu">;

/** Reads random numbers in a guest. */
const RANDOM = "head -c 32 /dev/urandom | od -An -tx1";

/** Has the host more processors than it has, so that one of them is idle. */
function withProcessors(count: number): Disposable {
  const own = navigator.hardwareConcurrency;
  const set = (value: number) =>
    Object.defineProperty(navigator, "hardwareConcurrency", {
      value,
      configurable: true,
    });
  set(count);
  return { [Symbol.dispose]: () => void set(own) };
}

/** The QEMUs of forks that nobody has been given. */
function waiting(given: readonly Node[]): number[] {
  const known = given.map(({ pid }) => pid);
  return processesWith("-incoming").filter(({ pid, parent }) =>
    parent === Deno.pid && !known.includes(pid)
  ).map(({ pid }) => pid);
}

/** Waits until QEMUs wait that nobody has been given. */
async function wait(count: number, given: readonly Node[]): Promise<number[]> {
  await gone(() => waiting(given).length < count, 600);
  return waiting(given);
}

/** The machines that the log and the output directory tell of, by label. */
async function told({ events, outDir }: Booted): Promise<string[]> {
  const labels = new Set<string>();
  for (const event of events) {
    if ("machine" in event && event.machine !== undefined) {
      labels.add(event.machine);
    }
  }
  for await (const { name } of Deno.readDir(outDir)) {
    if (name.endsWith(".log")) labels.add(name.slice(0, -4));
  }
  return [...labels].sort();
}

Deno.test("forks wait before anybody asks for them", async (t) => {
  await using test = await booted({ forks: { forks: 4, ahead: true } });
  const { driver, machine, events } = test;
  await machine.succeed("echo before >/tmp/state");
  await machine.succeed("date -s '2001-01-01 00:00:00'");
  const snapshot = await driver.snapshot();
  assertEquals(waiting([]), []);
  const first = await snapshot.fork();
  const one = first.named.tiny;

  await t.step("the next one is given one that waits", async () => {
    const there = await wait(1, [one]);
    await using second = await snapshot.fork();
    const two = second.named.tiny;
    assert(there.includes(two.pid!), `${two.pid} of ${there}`);
    assertEquals(second.number, 2);
    assertEquals(await two.succeed("cat /tmp/state"), "before\n");
    assertNotEquals(await one.succeed(RANDOM), await two.succeed(RANDOM));
    const seconds = Number(await two.succeed("date +%s"));
    assert(Math.abs(seconds - Date.now() / 1000) < 600, `${seconds}`);
    await two.succeed("echo shared >/tmp/shared/file");
    assertEquals(await Deno.readTextFile(`${two.sharedDir}/file`), "shared\n");
    await two.waitUntilFails("grep vw-attend /proc/[0-9]*/comm");
    await two.succeed("echo of-the-second >/dev/ttyS0");
    await two.waitForConsoleText("of-the-second");
  });

  await t.step("its events come when it is taken", () => {
    const began = events.findIndex((event) =>
      event.type === "forkBegan" && event.machines[0].name === "tiny~2"
    );
    const of = events.flatMap((event, index) =>
      "machine" in event && event.machine === "tiny~2" ? [index] : []
    );
    assert(began >= 0 && of.every((index) => index > began), `${of} ${began}`);
    const times = events.map(({ time }) => time);
    assertEquals(times, times.toSorted((a, b) => a - b));
    assert(
      events.some((event) =>
        event.type === "machineStarted" && event.machine.startsWith("tiny") &&
        events.indexOf(event) > began
      ),
    );
  });

  await t.step("its clock stays behind where the test wants that", async () => {
    await wait(1, [one]);
    await using kept = await snapshot.fork({ keepClock: true });
    const two = kept.named.tiny;
    assertEquals(await two.succeed("date +%Y"), "2001\n");
    await two.waitUntilFails("grep vw-attend /proc/[0-9]*/comm");
  });

  await t.step("no fork with its own memory is made ahead", async () => {
    const there = await wait(1, [one]);
    await using own = await snapshot.fork({ ownMemory: true });
    assert(!there.includes(own.named.tiny.pid!));
  });

  await t.step(
    "forks that nobody has taken end with the snapshot",
    async () => {
      const there = await wait(1, [one]);
      await snapshot[Symbol.asyncDispose]();
      assertEquals(there.filter(isAlive), []);
      assertEquals(waiting([one]), []);
      await first[Symbol.asyncDispose]();
      const began = events.flatMap((event) =>
        event.type === "forkBegan" ? event.machines.map(({ name }) => name) : []
      );
      assertEquals(await told(test), ["tiny", ...began].sort());
    },
  );
});

Deno.test("a fork waits although forks follow each other fast", async () => {
  using _idle = withProcessors(1000);
  await using test = await booted({ forks: { forks: 4 } });
  const { driver, machine } = test;
  await machine.succeed("echo before >/tmp/state");
  await machine.succeed("date -s '2001-01-01 00:00:00'");
  await using snapshot = await driver.snapshot();
  await using one = await snapshot.fork();
  assertEquals(waiting([one.named.tiny]), []);
  await using two = await snapshot.fork();
  const there = await wait(1, [one.named.tiny, two.named.tiny]);
  await using three = await snapshot.fork();
  const { tiny } = three.named;
  assert(there.includes(tiny.pid!), `${tiny.pid} of ${there}`);
  assertEquals(await tiny.succeed("cat /tmp/state"), "before\n");
  assertNotEquals(
    await tiny.succeed(RANDOM),
    await two.named.tiny.succeed(RANDOM),
  );
  const seconds = Number(await tiny.succeed("date +%s"));
  assert(Math.abs(seconds - Date.now() / 1000) < 600, `${seconds}`);
  await tiny.succeed("echo shared >/tmp/shared/file");
  assertEquals(await Deno.readTextFile(`${tiny.sharedDir}/file`), "shared\n");
});

Deno.test("a fork that has died while it waited is not used", async () => {
  await using test = await booted({ forks: { forks: 4, ahead: true } });
  const { driver, machine } = test;
  await machine.succeed("echo before >/tmp/state");
  await using snapshot = await driver.snapshot();
  await using first = await snapshot.fork();
  const there = await wait(1, [first.named.tiny]);
  for (const pid of there) Deno.kill(pid, "SIGKILL");
  await gone(() => there.some(isAlive));
  await using next = await snapshot.fork();
  assertEquals(await next.named.tiny.succeed("cat /tmp/state"), "before\n");
  assert(!there.includes(next.named.tiny.pid!));
});

Deno.test("forks made ahead give way to forks that are asked for", async () => {
  await using test = await booted({ forks: { forks: 2, ahead: true } });
  const { driver, machine } = test;
  await machine.succeed("true");
  const [one, other] = [await driver.snapshot(), await driver.snapshot()];
  await driver.subtest("of the first", { from: one }, async ({ tiny }) => {
    // There is room for one beside this one.
    await wait(1, [tiny]);
    await driver.subtest("of the other", { from: other }, ({ tiny }) => {
      return tiny.succeed("true");
    });
  });
});
