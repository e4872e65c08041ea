/**
 * A backdoor that is busybox's shell at a terminal of its own: it edits the
 * lines that it reads, and writes each character of them, until it becomes a bash.
 */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Driver, Log, MachineError } from "../../mod.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";
import { CpioArchive } from "../guests/cpio.ts";
import { tinyWith } from "../guests/tiny_with.ts";

const BACKDOOR = `#!/usr/bin/busybox sh
export HOME=/root USER=root
until [ -c /dev/hvc0 ]; do sleep 0.01; done
exec < /dev/hvc0 > /dev/hvc0 2> /dev/ttyS0
stty raw -echo
echo "Spawning backdoor root shell..."
exec busybox sh
`;

Deno.test("a backdoor with a line editor", async (t) => {
  using directory = temporaryDirectory();
  const files = new CpioArchive().file("usr/sbin/backdoor", BACKDOOR, 0o755);
  await using driver = await Driver.create({
    machines: [await tinyWith(directory.path, "edited", files)],
    outDir: directory.path,
    // What the editor writes is read late, as on a busy host.
    log: new Log([{
      on: (event) => {
        if (event.type !== "message" || !event.text.includes("BusyBox")) return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
      },
    }]),
  });
  const [machine] = driver.machines;

  await t.step("runs commands without a terminal", async () => {
    assertEquals(
      await machine.succeed("true </dev/tty || bash -i -c 'echo interactive'"),
      "interactive\n",
    );
    assertMatch(
      await machine.succeed('readlink "/proc/$$/fd"/1'),
      /^\/dev\/vport/,
    );
  });

  await t.step("does so again when it has ended", async () => {
    await assertRejects(
      () =>
        machine.succeed(
          "kill -KILL $(cut -d' ' -f4 /proc/$PPID/stat); " +
            "while [ -e /proc/$PPID ]; do sleep 0.1; done",
          { timeout: 100 },
        ),
      MachineError,
      "The guest's shell has started again",
    );
    await machine.fail("true </dev/tty");
  });
});
