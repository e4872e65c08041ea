/**
 * Two machines with a Redis between them, and subtests that ruin them, each on a
 * fork of its own. All rows are on the server's disk, written through to it; the
 * client has a connection that was open before.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { MachineError, type MachineOf } from "../../mod.ts";
import { redis } from "../guests/redis.ts";
import { booted } from "../machine/booted.ts";

type Machines = Record<string, MachineOf<"qemu">>;

const SERVER = "192.168.1.1", CLIENT = "192.168.1.2";
/** Where Redis is in the guests. */
const REDIS = "/opt/redis/run";
const ask = (words: string) => `${REDIS} redis-cli -e -h ${SERVER} ${words}`;

const rows = ({ client }: Machines) => client.succeed(ask("lrange rows 0 -1"));
const put = ({ client }: Machines, row: string) =>
  client.succeed(ask(`rpush rows ${row}`));

/** What each subtest ruins, and sees of it. */
const RUIN: Record<string, (machines: Machines) => Promise<unknown>> = {
  "rows are added": async (all) => {
    assertEquals(await put(all, "third"), "3\n");
    assertEquals(await rows(all), "first\nsecond\nthird\n");
    await all.client.succeed("echo rpop rows >/tmp/ask");
    await all.client.waitUntilSucceeds("grep third /tmp/said");
    assertEquals(await rows(all), "first\nsecond\n");
  },
  "the table is dropped": async (all) => {
    await all.client.succeed(ask("flushall"));
    assertEquals(await rows(all), "\n");
  },
  "the server loses power": async (all) => {
    await all.server.crash();
    await all.client.fail(ask("ping"));
  },
  "the disk fills": async (all) => {
    await all.server.succeed(
      "n=0; for size in 1G 64M 4M 256K 4K; do " +
        "while fallocate -l $size /var/fill$((n += 1)) 2>/dev/null; do :; done; " +
        "done; sync",
    );
    await all.server.fail("echo more >>/var/lib/rows/more && sync");
    await all.client.fail(
      ask("rpush rows $(head -c 100000 /dev/zero | tr '\\0' x)"),
    );
  },
  "the database is stopped": async (all) => {
    await all.server.succeed("systemctl stop database.service");
    await all.client.fail(ask("ping"));
  },
  "the cable is pulled": async (all) => {
    await all.client.block();
    await all.client.fail(`ping -c 1 -W 2 ${SERVER}`);
    await all.client.unblock();
    await all.client.waitUntilSucceeds(`ping -c 1 -W 2 ${SERVER}`);
    assertEquals(await rows(all), "first\nsecond\n");
  },
  "the server's address changes": async (all) => {
    await all.server.succeed("ip address flush dev eth1");
    await all.client.fail(`ping -c 1 -W 2 ${SERVER}`);
  },
  "programs are deleted": async (all) => {
    await all.server.succeed("rm -r /usr/sbin");
    await all.server.fail("nginx -v");
    assertEquals(await rows(all), "first\nsecond\n");
  },
  "rows are forged": async (all) => {
    await all.client.succeed(ask("lset rows 0 forged"));
    assertEquals(await rows(all), "forged\nsecond\n");
  },
  "the server's kernel panics": async (all) => {
    await all.server.succeed("sync");
    await all.server.execute("echo c >/proc/sysrq-trigger &", {
      checkOutput: false,
    }).catch((error) => {
      if (!(error instanceof MachineError)) throw error;
    });
    await all.server.waitForShutdown();
    await all.client.fail(ask("ping"));
  },
  "the client runs out of processes": async (all) => {
    await all.client.succeed("for i in $(seq 50); do sleep 600 >&2 & done");
    assertEquals(await rows(all), "first\nsecond\n");
  },
  "the clock is wrong": async (all) => {
    await all.server.succeed("date -s 2001-01-01 >&2");
    assertStringIncludes(await all.server.succeed("date"), "2001");
    assertEquals(await rows(all), "first\nsecond\n");
  },
};

/** Those that every run of the tests has time for. */
const SHORT = [
  "rows are added",
  "the table is dropped",
  "the server loses power",
];

Deno.test("subtests ruin two machines of Debian, each on its own fork", async () => {
  await using test = await booted({
    guest: "debian",
    names: ["node1", "node2"],
    vlans: [1],
  });
  const { driver } = test;
  const [server, client] = driver.machinesQemu;
  const machines = { server, client };
  const programs = await redis();
  await driver.startAll();
  await Promise.all(
    driver.machines.map((machine) =>
      machine.copyFromHost(programs, "/opt/redis")
    ),
  );
  await server.succeed(
    "mkdir -p /var/lib/rows; systemd-run --quiet --unit database " +
      `${REDIS} redis-server --dir /var/lib/rows --protected-mode no ` +
      "--appendonly yes --appendfsync always --save ''",
  );
  await server.waitForOpenPort(6379);
  await client.waitUntilSucceeds(`ping -c 1 -W 2 ${SERVER}`);
  await put(machines, "first");
  await put(machines, "second");
  await client.succeed(
    "mkfifo /tmp/ask; systemd-run --quiet --unit session " +
      `bash -c '${REDIS} redis-cli -h ${SERVER} <>/tmp/ask >/tmp/said'`,
  );
  await client.succeed("echo ping >/tmp/ask");
  await client.waitUntilSucceeds("grep PONG /tmp/said");
  const ready = await driver.snapshot({ name: "two rows" });
  await put(machines, "later");
  const names = Deno.env.get("VMWRIGHT_LONG") ? Object.keys(RUIN) : SHORT;
  await Promise.all(
    names.map((name) =>
      driver.subtest(name, { from: ready }, async ({ node1, node2 }) => {
        const all = { server: node1, client: node2 };
        assertEquals(await rows(all), "first\nsecond\n");
        await RUIN[name](all);
      })
    ),
  );
  assertEquals(await rows(machines), "first\nsecond\nlater\n");
  await client.succeed(`ping -c 1 ${CLIENT}`);
});
