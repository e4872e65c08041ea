/** Snapshots of microVMs with disks of their own, on a network. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type BaseMachine, Driver, Log, MachineError } from "../../mod.ts";
import { listKept, removeKept } from "../../src/driver/kept_snapshots.ts";
import { microConfiguration } from "../guests/mod.ts";
import { trials } from "../machine/backends.ts";

const MEBIBYTE = 1 << 20;
const READ = "head -c 6 /dev/vda";
/** Is tried again, as a network may lose a frame. */
const PING = "ping -c 1 -W 5 192.168.1.11";
const write = (text: string) =>
  `echo ${text} | dd of=/dev/vda conv=fsync 2>/dev/null`;

for (const { backend, by, startCommand } of trials) {
  if (backend !== "firecracker" && backend !== "cloud-hypervisor") continue;
  Deno.test(`microVMs of ${by} are saved with their disks and networks`, async (t) => {
    const place = await Deno.makeTempDir();
    const disk = `${place}/disk`;
    await Deno.writeFile(disk, new Uint8Array(MEBIBYTE));
    await Deno.chmod(disk, 0o400);
    try {
      // This sets the variable that names the hypervisor's program.
      await startCommand("nobody", place);
      await using driver = await Driver.create({
        machines: await Promise.all(
          ["node1", "node2"].map((name, index) =>
            microConfiguration(backend, name, place, {
              vlans: [1],
              number: 11 + index,
              disks: [disk],
            })
          ),
        ),
        vlans: [1],
        outDir: `${place}/out`,
        log: new Log([]),
      });
      const [node1, node2]: BaseMachine[] = driver.machines;
      await driver.startAll();
      await node1.succeed(write("before"));
      await node2.waitUntilSucceeds(PING);
      await using ready = await driver.snapshot();
      await node1.succeed(write("after!"));

      await t.step("a fork has disks and a network of its own", async () => {
        await driver.subtest("on a fork", { from: ready }, async (named) => {
          const { node1: one, node2: two } = named;
          assertEquals(await one.succeed(READ), "before");
          await one.succeed(write("deeper"));
          await two.waitUntilSucceeds(PING);
          await one.succeed("ip link set eth0 down");
          await two.fail("ping -c 1 -W 1 192.168.1.11");
          assertEquals(await node1.succeed(READ), "after!");
          await node2.waitUntilSucceeds(PING);
        });
      });

      await t.step("they are restored in place", async () => {
        await ready.restore();
        assertEquals(await node1.succeed(READ), "before");
        await node2.waitUntilSucceeds(PING);
        assertEquals(await Deno.readFile(disk), new Uint8Array(MEBIBYTE));
      });

      await t.step(
        "forks that can't go on say why, and leave nothing",
        async () => {
          const snapshots = [
            ...Deno.readDirSync(driver.vlans[0].socketDir + "/.."),
          ]
            .map(({ name }) => name);
          const [own] = snapshots.filter((name) =>
            name.startsWith("snapshot-")
          );
          assert(own !== undefined, snapshots.join());
          const root = `${driver.vlans[0].socketDir}/..`;
          await Deno.remove(`${root}/${own}/0/disk-1`);
          const error = await assertRejects(() => ready.fork(), MachineError);
          assert(
            error.message.startsWith(
              "node1 can't go on from the snapshot: the disk",
            ),
            error.message,
          );
          assertEquals(
            [...Deno.readDirSync(root)].map(({ name }) => name),
            snapshots,
          );
          assertEquals(await node1.succeed(READ), "before");
        },
      );
    } finally {
      await Deno.remove(place, { recursive: true });
    }
  });

  Deno.test(`a snapshot that is kept of a microVM of ${by} is where the next run begins`, async () => {
    const place = await Deno.makeTempDir();
    const disk = `${place}/disk`;
    await Deno.writeFile(disk, new Uint8Array(MEBIBYTE));
    // The guests of the tests are below the user's cache, too.
    await startCommand("nobody", place);
    const machines = [
      await microConfiguration(backend, "web", place, { disks: [disk] }),
    ];
    const cache = Deno.env.get("XDG_CACHE_HOME");
    Deno.env.set("XDG_CACHE_HOME", `${place}/cache`);
    try {
      let prepared = 0;
      const run = async () => {
        await using driver = await Driver.create({
          machines,
          outDir: `${place}/out`,
          log: new Log([]),
        });
        const [web]: BaseMachine[] = driver.machines;
        await using _ready = await driver.snapshot({
          name: "booted",
          keep: true,
          prepare: async () => {
            prepared++;
            await web.succeed(write(`made-${prepared}`));
          },
        });
        return await web.succeed(READ);
      };
      assertEquals(await run(), "made-1");
      assertEquals(listKept().map(({ machines }) => machines), [["web"]]);
      assertEquals(await run(), "made-1");
      // What the guest was made of is no longer what it was.
      await Deno.writeFile(disk, new Uint8Array(2 * MEBIBYTE));
      assertEquals(await run(), "made-2");
      assertEquals(removeKept(), 1);
    } finally {
      if (cache === undefined) Deno.env.delete("XDG_CACHE_HOME");
      else Deno.env.set("XDG_CACHE_HOME", cache);
      await Deno.remove(place, { recursive: true });
    }
  });
}
