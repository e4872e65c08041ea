/**
 * Two machines with a database between them, and subtests that ruin them, each on
 * a fork of its own. The database is rows in a file on the server's disk, written
 * through to it, and served over TCP: the guest has no other.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { MachineError, type MachineOf } from "../../mod.ts";
import { booted } from "../machine/booted.ts";

type Machines = Record<string, MachineOf<"qemu">>;

/** Answers `put TEXT` and `get` of one connection. */
const DATABASE = `#!/bin/bash
mkdir -p /var/lib/rows
while read -r verb row; do
  case $verb in
    put) echo "$row" >>/var/lib/rows/table && sync /var/lib/rows/table && echo ok ;;
    get) cat /var/lib/rows/table; echo . ;;
  esac
done
`;

const SERVER = "192.168.1.1", CLIENT = "192.168.1.2";
const ask = (words: string) => `echo ${words} | nc -N -w 300 ${SERVER} 5432`;

const rows = ({ client }: Machines) => client.succeed(ask("get"));
const put = ({ client }: Machines, row: string) =>
  client.succeed(ask(`put ${row}`));

/** What each subtest ruins, and sees of it. */
const RUIN: Record<string, (machines: Machines) => Promise<unknown>> = {
  "rows are added": async (all) => {
    assertEquals(await put(all, "third"), "ok\n");
    assertEquals(await rows(all), "first\nsecond\nthird\n.\n");
  },
  "the table is dropped": async (all) => {
    await all.server.succeed("rm /var/lib/rows/table; sync");
    assertEquals(await rows(all), ".\n");
  },
  "the server loses power": async (all) => {
    await all.server.crash();
    await all.client.fail(ask("get"));
  },
  "the disk fills": async (all) => {
    await all.server.succeed(
      "dd if=/dev/zero of=/var/fill bs=1M 2>/dev/null || true; sync",
      { timeout: 300 },
    );
    await all.server.fail("echo more >>/var/lib/rows/more && sync");
  },
  "the database is stopped": async (all) => {
    await all.server.succeed("systemctl stop database.service");
    await all.client.fail(ask("get"));
  },
  "the cable is pulled": async (all) => {
    await all.client.block();
    await all.client.fail(`ping -c 1 -W 2 ${SERVER}`);
    await all.client.unblock();
    await all.client.waitUntilSucceeds(`ping -c 1 -W 2 ${SERVER}`);
    assertEquals(await rows(all), "first\nsecond\n.\n");
  },
  "the server's address changes": async (all) => {
    await all.server.succeed("ip address flush dev eth1");
    await all.client.fail(`ping -c 1 -W 2 ${SERVER}`);
  },
  "programs are deleted": async (all) => {
    await all.server.succeed("rm -r /usr/sbin");
    await all.server.fail("nginx -v");
    assertEquals(await rows(all), "first\nsecond\n.\n");
  },
  "rows are forged": async (all) => {
    await all.server.succeed("echo forged >/var/lib/rows/table; sync");
    assertEquals(await rows(all), "forged\n.\n");
  },
  "the server's kernel panics": async (all) => {
    await all.server.succeed("sync");
    await all.server.execute("echo c >/proc/sysrq-trigger &", {
      checkOutput: false,
    }).catch((error) => {
      if (!(error instanceof MachineError)) throw error;
    });
    await all.server.waitForShutdown();
    await all.client.fail(ask("get"));
  },
  "the client runs out of processes": async (all) => {
    await all.client.succeed("for i in $(seq 50); do sleep 600 >&2 & done");
    assertEquals(await rows(all), "first\nsecond\n.\n");
  },
  "the clock is wrong": async (all) => {
    await all.server.succeed("date -s 2001-01-01 >&2");
    assertStringIncludes(await all.server.succeed("date"), "2001");
    assertEquals(await rows(all), "first\nsecond\n.\n");
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
  await driver.startAll();
  await server.succeed(
    `cat >/usr/local/bin/rows <<'END'\n${DATABASE}END\n` +
      "chmod +x /usr/local/bin/rows\n" +
      "systemd-run --quiet --unit database socat -t 300 " +
      "TCP-LISTEN:5432,fork,reuseaddr EXEC:/usr/local/bin/rows",
  );
  await server.waitForOpenPort(5432);
  await client.waitUntilSucceeds(`ping -c 1 -W 2 ${SERVER}`);
  await put(machines, "first");
  await put(machines, "second");
  const ready = await driver.snapshot({ name: "two rows" });
  await put(machines, "later");
  const names = Deno.env.get("VMWRIGHT_LONG") ? Object.keys(RUIN) : SHORT;
  await Promise.all(
    names.map((name) =>
      driver.subtest(name, { from: ready }, async ({ node1, node2 }) => {
        const all = { server: node1, client: node2 };
        assertEquals(await rows(all), "first\nsecond\n.\n");
        await RUIN[name](all);
      })
    ),
  );
  assertEquals(await rows(machines), "first\nsecond\nlater\n.\n");
  await client.succeed(`ping -c 1 ${CLIENT}`);
});
