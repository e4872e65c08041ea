import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Driver, Log, type RunEvent, UsageError } from "../../mod.ts";
import { listKept, removeKept } from "../../src/driver/kept_snapshots.ts";
import { writeOverlay } from "../../src/backend/qemu/overlay.ts";
import { guest } from "../guests/mod.ts";

Deno.test("a snapshot that is kept is where the next run begins", async (t) => {
  const place = await Deno.makeTempDir({ prefix: "vw-kept-" });
  const cache = Deno.env.get("XDG_CACHE_HOME");
  const { startScriptFor } = await guest("tiny");
  // An overlay of the author's image, as NixOS's scripts and ours make one.
  const template = `${place}/template.raw`;
  await Deno.writeFile(template, new Uint8Array(1 << 20).fill(7));
  writeOverlay(`${place}/empty.qcow2`, {
    path: template,
    format: "raw",
    size: 1 << 20,
  });
  const startCommand =
    `[ -e disk.qcow2 ] || cp ${place}/empty.qcow2 disk.qcow2; ` +
    `exec ${startScriptFor("tiny")} ` +
    "-drive file=disk.qcow2,if=none,id=one,format=qcow2 " +
    "-device virtio-blk,drive=one";
  Deno.env.set("XDG_CACHE_HOME", `${place}/cache`);
  try {
    let prepared = 0;
    const run = async (options: { fresh?: boolean } = {}) => {
      const events: RunEvent[] = [];
      const outDir = await Deno.makeTempDir({ dir: place });
      await using log = new Log([{ on: (event) => void events.push(event) }]);
      await using driver = await Driver.create({
        machines: [{ name: "tiny", startCommand }],
        outDir,
        log,
        ...options,
      });
      const [machine] = driver.machinesQemu;
      const snapshot = await driver.snapshot({
        name: "booted",
        keep: true,
        prepare: async () => {
          prepared++;
          await machine.succeed(`echo ${prepared} >/tmp/prepared`);
          await machine.succeed("echo said-before >/dev/ttyS0");
          await machine.waitForConsoleText("said-before");
        },
      });
      await using fork = await snapshot.fork();
      const states = [machine, fork.named.tiny].map((one) =>
        one.succeed("cat /tmp/prepared")
      );
      assertStringIncludes(await machine.getConsoleLog(), "said-before");
      const [here, forked] = await Promise.all(states);
      assertEquals(here, forked);
      return {
        state: Number(here),
        said: events.flatMap((event) =>
          event.type === "message" ? [event.text] : []
        ).filter((text) => text.includes("not used")),
      };
    };

    await t.step("the first run makes it", async () => {
      assertEquals((await run()).state, 1);
      const [kept, ...others] = listKept();
      assertEquals(others, []);
      assertEquals([kept.name, kept.machines], ["booted", ["tiny"]]);
      assert(kept.size > 1 << 20);
      assertEquals(Deno.statSync(kept.path).mode! & 0o777, 0o700);
      assertEquals(Deno.statSync(`${kept.path}/0/state`).mode! & 0o777, 0o600);
    });
    await t.step("the second run begins there", async () => {
      assertEquals(await run(), { state: 1, said: [] });
      assertEquals(prepared, 1);
    });
    await t.step("a run elsewhere begins where it was moved to", async () => {
      const moved = `${place}/moved`;
      await Deno.rename(`${place}/cache/vmwright/snapshots`, moved);
      Deno.env.set("VMWRIGHT_SNAPSHOTS", `${place}/nothing:${moved}`);
      try {
        assertEquals(await run(), { state: 1, said: [] });
        assertEquals(listKept(), []);
      } finally {
        Deno.env.delete("VMWRIGHT_SNAPSHOTS");
      }
    });
    await t.step("a run with --fresh takes it again", async () => {
      assertEquals((await run({ fresh: true })).state, 2);
      assertEquals((await run()).state, 2);
    });
    await t.step("what has changed below a disk makes it stale", async () => {
      await Deno.writeFile(template, new Uint8Array(1 << 20).fill(8));
      const [{ state, said }, other] = await Promise.all([run(), run()]);
      assertEquals(state, 3);
      assertStringIncludes(said.join(), `${template} has changed`);
      // It has waited for the one that the first has taken.
      assertEquals([other.state, prepared], [3, 3]);
    });
    await t.step(
      "one without a name is not kept",
      async () => {
        const outDir = await Deno.makeTempDir({ dir: place });
        await using log = new Log([]);
        await using driver = await Driver.create({ outDir, log });
        await assertRejects(
          () => driver.snapshot({ keep: true }),
          UsageError,
          "Expected a name",
        );
      },
    );
    await t.step("it can be removed", () => {
      assertEquals(removeKept(["other"]), 0);
      assertEquals(removeKept(["booted"]), 1);
      assertEquals(listKept(), []);
      assertEquals(
        [...Deno.readDirSync(`${place}/cache/vmwright/snapshots`)],
        [],
      );
    });
  } finally {
    if (cache === undefined) Deno.env.delete("XDG_CACHE_HOME");
    else Deno.env.set("XDG_CACHE_HOME", cache);
    await Deno.remove(place, { recursive: true });
  }
});
