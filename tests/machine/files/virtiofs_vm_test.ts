import { assert, assertEquals, assertRejects } from "@std/assert";
import { MachineError } from "../../../mod.ts";
import { guest } from "../../guests/mod.ts";
import {
  virtiofsd,
  virtiofsModules,
  virtiofsScript,
} from "../../guests/virtiofs.ts";
import { booted } from "../booted.ts";

if (virtiofsd() === undefined) {
  console.log(
    "Skipped, as this host has no virtiofsd: copies through a share by virtiofs",
  );
}

/** Says less than assertEquals() where megabytes differ. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

Deno.test({
  name: "files are copied both ways through a share by virtiofs",
  ignore: virtiofsd() === undefined,
  async fn() {
    const host = await Deno.makeTempDir();
    const { startScript } = await guest("tiny");
    {
      await using test = await booted({
        startCommand: await virtiofsScript(host, startScript),
      });
      const { machine, outDir } = test;
      for (const { name, path } of await virtiofsModules()) {
        const [status] = await machine.execute(`[ -e /sys/module/${name} ]`);
        if (status === 0) continue;
        await machine.copyFromHostViaShell(path, "/tmp/module");
        await machine.succeed("insmod /tmp/module");
      }
      await machine.succeed(
        "umount /tmp/shared; mount -t virtiofs shared /tmp/shared",
      );
      const bytes = new Uint8Array(3 << 20);
      for (let at = 0; at < bytes.length; at += 65536) {
        crypto.getRandomValues(bytes.subarray(at, at + 65536));
      }
      await Deno.mkdir(`${host}/tree/sub`, { recursive: true });
      await Deno.writeFile(`${host}/tree/sub/file`, bytes, { mode: 0o640 });
      for (let times = 0; times < 3; times++) {
        await machine.copyFromHost(`${host}/tree/sub/file`, "/tmp/file");
        // All of it went that way.
        await machine.succeed("grep ' /tmp/shared virtiofs ' /proc/mounts");
        await machine.copyFromMachine("/tmp/file");
        assert(same(await Deno.readFile(`${outDir}/file`), bytes));
        const { mode } = await Deno.stat(`${outDir}/file`);
        assertEquals(mode! & 0o777, 0o640);
      }
      await machine.copyFromHost(`${host}/tree`, "/tmp/tree");
      await machine.copyFromMachine("/tmp/tree");
      assert(same(await Deno.readFile(`${outDir}/tree/sub/file`), bytes));
      // Each side sees what the other writes.
      await Deno.writeTextFile(`${machine.sharedDir}/note`, "from the host");
      assertEquals(
        await machine.succeed("cat /tmp/shared/note"),
        "from the host",
      );
      await machine.succeed("echo from the guest >/tmp/shared/note");
      assert(
        (await Deno.readTextFile(`${machine.sharedDir}/note`))
          .startsWith("from the guest"),
      );
      assertEquals([...Deno.readDirSync(machine.sharedDir)].length, 1);
      await assertRejects(
        () => test.driver.snapshot(),
        MachineError,
        'tiny can\'t be saved while it has the virtiofs share "shared" mounted ' +
          "at /tmp/shared: its start script would have to do without it",
      );
      await machine.succeed("umount /tmp/shared");
      await assertRejects(
        () => test.driver.snapshot(),
        MachineError,
        'tiny can\'t be saved: it has the virtiofs share "shared": a process ' +
          "beside QEMU serves it, and can't be saved",
      );
      assertEquals(await machine.succeed("echo on"), "on\n");
    }
    await Deno.remove(host, { recursive: true });
  },
});
