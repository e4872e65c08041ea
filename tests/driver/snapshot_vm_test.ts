import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  MachineError,
  type MachineOf,
  type RunEvent,
  UsageError,
} from "../../mod.ts";
import { guest } from "../guests/mod.ts";
import { booted } from "../machine/booted.ts";

type Node = MachineOf<"qemu">;

/** Seconds that a guest may take which gets a fiftieth of a processor. */
const LONG = 900;

/** Numbers that one machine sends to another, one by one, over a TCP stream. */
const SEND = "i=0; while echo $((i += 1)); do sleep 0.01; done | nc node2 90";
// With an end of its stdin, it would hang up.
const TAKE = "sleep 100000 | nc -l -p 90 >/tmp/taken";

/** How many numbers have arrived, all of them in their order. */
async function taken(node2: Node): Promise<number> {
  const text = await node2.succeed(
    "awk '$1 != NR && getline > 0 { bad = 1 } END { print bad + 0, NR }' /tmp/taken",
  );
  const [bad, count] = text.trim().split(" ").map(Number);
  assertEquals(bad, 0, `the stream lost or doubled something: ${text}`);
  return count;
}

/** Waits until more numbers have arrived than so many. */
async function flows(node2: Node, from: number): Promise<void> {
  await node2.waitUntilSucceeds(
    `[ $(wc -l </tmp/taken) -gt ${from + 20} ]`,
    { timeout: LONG },
  );
  await taken(node2);
}

/** What a read of random numbers gives. */
function random(node: Node): Promise<string> {
  return node.succeed("head -c 32 /dev/urandom | od -An -tx1");
}

function ofType<Type extends RunEvent["type"]>(
  events: readonly RunEvent[],
  type: Type,
): (RunEvent & { type: Type })[] {
  return events.filter((event): event is RunEvent & { type: Type } =>
    event.type === type
  );
}

Deno.test("two machines go on from a snapshot", async (t) => {
  await using test = await booted({
    names: ["node1", "node2"],
    vlans: [1],
    forks: { forks: 2 },
    capture: "always",
  });
  const { driver, events } = test;
  const [node1, node2] = test.machines;
  await driver.startAll();
  await assertRejects(
    () => driver.snapshot({ machines: [{ name: "nobody" }] }),
    UsageError,
    "got nobody",
  );
  await node2.succeed(`{ ${TAKE}; } >/dev/null 2>&1 &`);
  await node2.waitUntilSucceeds("grep -q ':005A .* 0A ' /proc/net/tcp*");
  await node1.succeed(`{ ${SEND}; } >/dev/null 2>&1 &`);
  await node2.waitUntilSucceeds("[ -s /tmp/taken ]", { timeout: LONG });
  await node1.succeed("echo before >/tmp/state; echo marker-one >/dev/ttyS0");
  await node1.waitForConsoleText("marker-one");
  await node1.succeed("echo marker-two >/dev/ttyS0");
  const long = node1.execute("sleep 4; echo waited; exit 3");
  const sentBefore = await taken(node2);

  const snapshot = await driver.snapshot({ name: "ready" });

  await t.step("those that it was taken of go on", async () => {
    await node1.succeed("echo after >/tmp/state");
    assertEquals(await long, [3, "waited\n"]);
    await flows(node2, await taken(node2));
    assertStringIncludes(
      await node1.succeed("cat /proc/mounts"),
      "/tmp/shared",
    );
    await node1.succeed("echo shared >/tmp/shared/file");
    await node1.waitUntilFails("grep vw-attend /proc/[0-9]*/comm", {
      timeout: LONG,
    });
    assertEquals(
      await Deno.readTextFile(`${node1.sharedDir}/file`),
      "shared\n",
    );
  });

  await t.step("a fork begins with all that there was", async () => {
    await using fork = await snapshot.fork();
    const { node1: one, node2: two } = fork.named;
    assertEquals(fork.machines.map(({ name }) => name), ["node1", "node2"]);
    assertEquals(await one.succeed("cat /tmp/state"), "before\n");
    assertEquals(await one.succeed("hostname"), "node1\n");
    await flows(two, sentBefore);
    // The awaited text was consumed, and later text was not.
    await one.waitForConsoleText("marker-two", { timeout: LONG });
    assertStringIncludes(await one.getConsoleLog(), "marker-one");
    await one.succeed("echo marker-three >/dev/ttyS0");
    await one.waitForConsoleText("marker-three");
    assertStringIncludes(
      await Deno.readTextFile(`${test.outDir}/node1~1.log`),
      "marker-three",
    );
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, nr) => one.succeed(`echo ${nr}`)),
    );
    assertEquals(answers, answers.map((_, nr) => `${nr}\n`));
    // The share is mounted, and the fork's own.
    await one.copyFromHost(new URL(import.meta.url).pathname, "/tmp/copy");
    assertStringIncludes(await one.succeed("cat /tmp/copy"), "marker-four");
    assertEquals(await one.succeed("ls /tmp/shared"), "");
    const seconds = Number(await one.succeed("date +%s"));
    assert(Math.abs(seconds - Date.now() / 1000) < 60, `${seconds}`);
    // Nothing is left of the program that has set it.
    await one.fail("ls -a /run /dev/shm /tmp | grep vw-attend");
    await one.waitUntilFails("grep vw-attend /proc/[0-9]*/comm", {
      timeout: LONG,
    });
    await one.screenshot("forked");
    assertEquals(await node1.succeed("cat /tmp/state"), "after\n");
  });

  await t.step("forks do not see each other", async () => {
    await using first = await snapshot.fork();
    await using second = await snapshot.fork({ keepClock: true });
    const nodes = [first.named.node1, second.named.node1];
    const read = await Promise.all(nodes.map(random));
    assertNotEquals(read[0], read[1]);
    await nodes[0].succeed("echo first >/tmp/state");
    await nodes[1].succeed("echo second >/tmp/state");
    const states = nodes.map((node) => node.succeed("cat /tmp/state"));
    assertEquals(await Promise.all(states), ["first\n", "second\n"]);
    // Each has its own neighbour.
    await first.named.node2.crash();
    await nodes[0].waitUntilFails("ping -c 1 -W 1 node2", { timeout: LONG });
    await nodes[1].waitUntilSucceeds("ping -c 1 -W 60 node2", {
      timeout: LONG,
    });
  });

  await t.step("forks share memory", async () => {
    const mapped = ({ pid }: Node) =>
      /\S+\/state\.memory$/m.exec(Deno.readTextFileSync(`/proc/${pid}/maps`));
    await using first = await snapshot.fork();
    await using second = await snapshot.fork();
    const [one, other] = [first, second].map(({ named }) =>
      mapped(named.node1)?.[0]
    );
    assert(one !== undefined);
    assertEquals(one, other);
  });

  await t.step("a fork has snapshots of its own", async () => {
    await using fork = await snapshot.fork();
    await fork.named.node1.succeed("echo deeper >/tmp/state");
    await using deeper = await fork.snapshot();
    await fork[Symbol.asyncDispose]();
    await using next = await deeper.fork();
    const { node1 } = next.named;
    assertEquals(await node1.succeed("cat /tmp/state"), "deeper\n");
  });

  await t.step("machines go back in place", async () => {
    const waiting = assertRejects(
      () => node1.succeed("sleep 600"),
      MachineError,
    );
    await node2.succeed("true");
    await snapshot.restore();
    await waiting;
    assertEquals(await node1.succeed("cat /tmp/state"), "before\n");
    await flows(node2, sentBefore);
    await node1.waitForConsoleText("marker-two", { timeout: LONG });
    await node1.succeed("echo marker-four >/dev/ttyS0");
    await node1.waitForConsoleText("marker-four");
    await node1.succeed("ls /tmp/shared/file");
  });

  await t.step("subtests run on forks side by side", async () => {
    const together = Promise.withResolvers<void>();
    let running = 0, most = 0;
    const results = await Promise.all(
      ["a", "b", "c"].map((name) =>
        driver.subtest(name, { from: snapshot }, async ({ node1 }) => {
          most = Math.max(most, ++running);
          if (running === 2) together.resolve();
          await node1.succeed(`test $(cat /tmp/state) = before`);
          await node1.succeed(`echo ${name} >/tmp/state`);
          await together.promise;
          running--;
          return (await node1.succeed("cat /tmp/state")).trim();
        })
      ),
    );
    assertEquals(results, ["a", "b", "c"]);
    assertEquals(most, 2);
  });

  await t.step("a subtest that fails takes its fork with it", async () => {
    const before = ofType(events, "forkEnded").length;
    await assertRejects(
      () =>
        driver.subtest("fails", { from: snapshot }, async ({ node2: two }) => {
          await node1.succeed("true");
          await node1.succeed("true");
          await two.succeed("false");
        }),
      Error,
      "command `false` failed",
    );
    assertEquals(ofType(events, "forkEnded").length, before + 1);
    // Only of the machine that it should not have used, and once.
    assertEquals(
      ofType(events, "message").filter(({ text }) =>
        text.includes("uses the original machine, not the one of its fork")
      ).map(({ text, machine }) => [machine, text.slice(0, 20)]),
      [["node1", 'the subtest "fails" ']],
    );
    await assertRejects(
      () => driver.subtest("no snapshot", { from: undefined! }, () => {}),
      UsageError,
      'in the subtest\'s option "from"',
    );
  });

  await t.step("an unsavable machine is named, and goes on", async () => {
    await node1.succeed(
      "sleep 1000 </tmp/shared/file >/dev/null 2>&1 & echo $! >/tmp/user",
    );
    const busy = await assertRejects(() => driver.snapshot(), MachineError);
    assertMatch(
      busy.message,
      /node1 can't be saved while it uses \/tmp\/shared, .*busy/i,
    );
    await node1.succeed(
      "kill $(cat /tmp/user); while kill -0 $(cat /tmp/user); do sleep 0.1; done",
    );
    await (await driver.snapshot())[Symbol.asyncDispose]();
    await node1.succeed("cat /tmp/shared/file");
  });

  await t.step("the events name the parents of forks", async () => {
    const [taken] = ofType(events, "snapshotTaken");
    assertEquals(taken.name, "ready");
    assertEquals(taken.machines, ["node1", "node2"]);
    const [fork] = ofType(events, "forkBegan");
    assertEquals(fork.snapshot, taken.id);
    assertEquals(fork.machines, [
      { name: "node1~1", parent: "node1" },
      { name: "node2~1", parent: "node2" },
    ]);
    const deeper = ofType(events, "forkBegan").at(6)!;
    assertEquals(deeper.machines[0], { name: "node1~7", parent: "node1~6" });
    assertEquals(
      ofType(events, "forkEnded").map(({ id }) => id).sort(),
      ofType(events, "forkBegan").map(({ id }) => id).sort(),
    );
    assertEquals(ofType(events, "snapshotRestored")[0].snapshot, taken.id);
    const lines = ofType(events, "consoleLine").map(({ machine }) => machine);
    assert(lines.includes("node1~1"));
    // The stream between the machines of the first fork.
    const { size } = await Deno.stat(`${test.outDir}/vlan1~1.pcapng`);
    assert(size > 2000, `${size}`);
  });

  await t.step("a fork's links have faults of their own", async () => {
    const ping = "ping -c 1 -W 60";
    const [vlan] = driver.vlans;
    await using _lossy = await node1.link(vlan).set({ loss: 1 });
    await using _down = await node2.link(vlan).down();
    await using broken = await driver.snapshot();
    await using fork = await broken.fork();
    const { node1: one, node2: two } = fork.named;
    // The state of a card is a part of the machine's.
    assertEquals(await two.succeed("cat /sys/class/net/eth1/carrier"), "0\n");
    const { message } = await assertRejects(
      () => two.link(vlan).up(),
      UsageError,
    );
    assertEquals(
      message,
      `Expected the VLAN 1 that node2~${fork.number} is on, got that of other ` +
        "machines: the VLANs of a fork are in its `vlans`",
    );
    await two.link(fork.vlans[0]).up();
    await one.waitUntilSucceeds(`${ping} node2`, { timeout: LONG });
    {
      await using _own = await one.link(fork.vlans[0]).set({ loss: 1 });
      await one.fail("ping -c 1 -W 5 node2");
    }
    await one.waitUntilSucceeds(`${ping} node2`, { timeout: LONG });
    assertEquals(
      await node2.succeed("cat /sys/class/net/eth1/carrier"),
      "0\n",
    );
  });

  await t.step(
    "a snapshot that has ended can't be restored or forked",
    async () => {
      await snapshot[Symbol.asyncDispose]();
      await assertRejects(() => snapshot.fork(), UsageError);
      await assertRejects(() => snapshot.restore(), UsageError);
      await node1.shutdown();
      await node2.shutdown();
      await assertRejects(() => driver.snapshot(), MachineError, "none does");
    },
  );
});

Deno.test("forks whose kernel has no device for snapshots have random numbers of their own", async () => {
  const { startScriptFor } = await guest("tiny");
  // The driver adds no device to a machine that has one.
  const startCommand = `: has no vmgenid; exec ${startScriptFor("tiny")}`;
  await using test = await booted({ startCommand });
  // A kernel takes new ones itself when half as long has passed as it has run, or
  // five seconds: then there is time until it does that again.
  await test.machine.succeed(
    "read -r seconds _ </proc/uptime; sleep $((${seconds%.*} / 2 + 6)); " +
      "head -c 1 /dev/urandom >/dev/null",
  );
  await using snapshot = await test.driver.snapshot();
  await using first = await snapshot.fork();
  await using second = await snapshot.fork();
  const [one, two] = [first, second].map(({ named }) => named.tiny);
  assertNotEquals(await random(one), await random(two));
  const warnings = test.events.filter((event) =>
    event.type === "message" && event.text.includes("random numbers")
  );
  assertEquals(warnings, []);
});

Deno.test("a machine that ends while it is saved is reported so", async () => {
  await using run = await booted();
  const { driver, machine } = run;
  await machine.connect();
  machine.qmpClient.onEvent(({ event }) => {
    if (event === "STOP") Deno.kill(machine.pid!, "SIGKILL");
  });
  const error = await assertRejects(() => driver.snapshot(), MachineError);
  assertMatch(error.message, /^tiny ended: QEMU was killed by SIGKILL/);
});

Deno.test("only one machine at a time has a port of the host", async () => {
  const { startScriptFor } = await guest("tiny");
  const forward = "hostfwd=tcp:127.0.0.1:0-:80";
  await using test = await booted({
    startCommand: `${startScriptFor("tiny")} -netdev user,id=web,${forward}`,
    forks: { ahead: true },
  });
  const { driver, machine } = test;
  await machine.succeed("true");
  await using snapshot = await driver.snapshot();
  const why =
    `tiny and a copy of it can't run at the same time: its start script forwards a port of the host (${forward})`;
  await assertRejects(() => snapshot.fork(), MachineError, why);
  await machine.crash();
  await using fork = await snapshot.fork();
  await fork.named.tiny.succeed("true");
  await assertRejects(() => snapshot.fork(), MachineError, why);
  await assertRejects(() => snapshot.restore(), MachineError, why);
  // The end of the run removes what the snapshot would remove after it.
  await driver[Symbol.asyncDispose]();
});
