/**
 * A guest of two stages, as NixOS makes them with `testing.initrdBackdoor`: the
 * first runs from the initramfs, speaks the backdoor there, and goes on to a
 * root of its own that speaks it again.
 *
 * The root is really switched. A stand-in is `systemctl`, since this guest has
 * no systemd: it knows the one target, and tells the first process to go on.
 */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Driver, Log, MachineError } from "../../mod.ts";
import { CpioArchive } from "../guests/cpio.ts";
import { tinyWith } from "../guests/tiny_with.ts";

const STAGE_1 = `#!/usr/bin/busybox sh
# The first process of stage 1.
. /etc/rc
mkdir /next
mount -t tmpfs tmpfs /next
mkdir /next/dev /next/proc /next/sys /next/run /next/tmp /next/root
cp -a /bin /sbin /lib /lib64 /usr /etc /init /next
rm /next/usr/bin/systemctl
echo 2 > /next/etc/stage
mkfifo /run/isolate
setsid /usr/sbin/backdoor &
read -r _ < /run/isolate
echo "Stage 1 ends"
# As systemd does, of all that is left.
kill -KILL -1
umount /tmp/shared
exec switch_root /next /init
`;

const SYSTEMCTL = `#!/bin/bash
case "$*" in
  *"show "*" initrd.target") echo ActiveState=active ;;
  "isolate --no-block initrd-switch-root.target") echo go > /run/isolate ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac
`;

/** A start script of the guest tiny with a stage before it. */
function twoStages(directory: string): Promise<string> {
  const files = new CpioArchive()
    .file("stage-1", STAGE_1, 0o755)
    .file("usr/bin/systemctl", SYSTEMCTL, 0o755)
    .file("etc/stage", "1\n");
  return tinyWith(directory, "staged", files, ["rdinit=/stage-1"]);
}

Deno.test("a guest whose initrd runs the backdoor", async (t) => {
  const directory = await Deno.makeTempDir();
  try {
    await using driver = await Driver.create({
      machines: [await twoStages(directory)],
      outDir: directory,
      log: new Log([]),
    });
    const [machine] = driver.machines;

    await t.step("is spoken to in stage 1", async () => {
      assertEquals(await machine.succeed("cat /etc/stage"), "1\n");
      assertEquals(
        await machine.succeed("tr '\\0' ' ' </proc/1/cmdline"),
        "/usr/bin/busybox sh /stage-1 ",
      );
      await machine.succeed("touch /of-stage-1");
    });

    await t.step(
      "switchRoot() ends what still ran there, and speaks to stage 2",
      async () => {
        const left = machine.succeed("sleep 1000");
        const ended = assertRejects(() => left, MachineError);
        await machine.switchRoot();
        const error = await ended;
        assertMatch(error.message, /^staged switches its root/);
        assertEquals(await machine.succeed("cat /etc/stage"), "2\n");
        await machine.fail("ls /of-stage-1");
        await machine.fail("pidof sleep");
      },
    );

    await t.step("works on as any guest does", async () => {
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, i) => machine.succeed(`echo ${i}`)),
      );
      assertEquals(answers.join(""), "0\n1\n2\n3\n4\n5\n6\n7\n");
      await machine.waitForConsoleText("Stage 1 ends");
      await machine.shutdown();
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
