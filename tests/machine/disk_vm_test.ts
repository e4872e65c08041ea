import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  MachineError,
  type MachineOf,
  TestFailure,
  UsageError,
} from "../../mod.ts";
import { guest } from "../guests/mod.ts";
import { booted } from "./booted.ts";

const write = (text: string, flags = "") =>
  `printf ${text} | dd of=/dev/vda bs=512 conv=sync${flags} oflag=direct`;
const READ = "dd if=/dev/vda bs=512 count=1 iflag=direct | head -c 4";

/** How the system call of a command ends, without what it says. */
async function succeeds(
  machine: MachineOf<"qemu">,
  command: string,
): Promise<boolean> {
  return (await machine.execute(`{ ${command}; } 2>/dev/null >&2`))[0] === 0;
}

Deno.test("disks of machines", async (t) => {
  const { startScriptFor } = await guest("tiny");
  const directory = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const images = [`${directory}/data.qcow2`, `${directory}/spare.qcow2`];
  for (const image of images) {
    const { success } = await new Deno.Command("qemu-img", {
      args: ["create", "-q", "-f", "qcow2", image, "16M"],
    }).output();
    assert(success);
  }
  const test = stack.use(
    await booted({
      startCommand: `${startScriptFor("tiny")} ` +
        `-drive file=${images[0]},if=none,id=data ` +
        `-device virtio-blk-pci,drive=data,serial=precious ` +
        `-drive file=${images[1]},if=none,id=spare ` +
        `-device virtio-blk-pci,drive=spare,id=second`,
    }),
  );
  const { driver, machine } = test;
  const begin = async () => {
    await machine.start();
    await machine.succeed("modprobe virtio_blk");
  };
  await begin();
  const disk = machine.disk("data");

  await t.step("a disk is found by any of its names", async () => {
    for (const name of ["data", "precious", "second", "spare", undefined]) {
      await (await machine.disk(name).throttle({ bytesPerSecond: 1e9 })).heal();
    }
    await assertRejects(
      () => machine.disk("floppy").throttle({ bytesPerSecond: 1e6 }),
      MachineError,
      'tiny has no disk named "floppy"; QEMU knows of data, spare',
    );
  });

  await t.step("writes fail, or reads, until that ends", async () => {
    await driver.subtest("writes", async () => {
      await disk.fail({ writes: true });
      assert(!await succeeds(machine, write("lost", ",fsync")));
      assert(await succeeds(machine, READ));
    });
    assert(await succeeds(machine, write("kept", ",fsync")));
    {
      await using _failing = await disk.fail({ reads: true });
      assert(!await succeeds(machine, READ));
    }
    assertEquals(await machine.succeed(READ), "kept");
    await assertRejects(() => disk.fail({}), UsageError, "Expected { reads");
    await assertRejects(
      () => disk.fail({ reads: true, after: -1 }),
      UsageError,
      "Expected seconds until a disk fails, got -1",
    );
  });

  await t.step(
    "a disk fails after some time, if that is not ended",
    async () => {
      await (await disk.fail({ reads: true, after: 1000 })).heal();
      const failing = await disk.fail({ reads: true, after: 0.1 });
      await machine.waitUntilFails(READ, { timeout: 60 });
      await failing.heal();
      assertEquals(await machine.succeed(READ), "kept");
    },
  );

  await t.step("a disk that is throttled takes its time", async () => {
    const ten = "for n in 1 2 3 4 5 6 7 8 9 10; do " + READ + "; done";
    await using _slow = await disk.throttle({ operationsPerSecond: 4 });
    const began = performance.now();
    await machine.succeed(ten);
    // The first one or two pass at once.
    assert(performance.now() - began > 1500);
    await assertRejects(
      () => disk.throttle({ bytesPerSecond: 0 }),
      UsageError,
      "Expected whole numbers from 1 up",
    );
  });

  await t.step("a file system is full until that ends", async () => {
    const small = "/tmp/small";
    await machine.succeed(
      `mkdir ${small}; mount -t tmpfs -o size=1M tmpfs ${small}`,
    );
    await driver.subtest("full", async () => {
      await machine.fillDisk(small);
      await machine.fail(`echo x > ${small}/file`);
    });
    await machine.succeed(`echo x > ${small}/file`);
    await assertRejects(
      () => machine.fillDisk("small"),
      UsageError,
      "Expected the absolute path of a directory",
    );
    await assertRejects(
      () => machine.fillDisk("/no/directory"),
      TestFailure,
      "can't be filled: ",
    );
    await machine.succeed("mkdir /tmp/ram; mount -t ramfs ramfs /tmp/ram");
    await assertRejects(
      () => machine.fillDisk("/tmp/ram/"),
      TestFailure,
      "of /tmp/ram/ in tiny can't be filled: its size has no limit",
    );
  });

  await t.step("a loss of power loses what was not flushed", async () => {
    await assertRejects(
      () => machine.powerLoss(),
      UsageError,
      "powerLoss() of tiny needs a disk with a write cache",
    );
    await machine.succeed(write("old0", ",fsync"));
    await (await disk.cacheWrites()).heal();
    await disk.cacheWrites();
    // Beside a failure, and what ends that.
    await (await disk.fail({ reads: true })).heal();
    await machine.succeed(write("new0", ",fsync"), write("lost"));
    await machine.succeed(
      "printf gone | dd of=/dev/vda bs=512 seek=9000 " +
        "conv=sync oflag=direct",
    );
    assertEquals(await machine.succeed(READ), "lost");
    await machine.powerLoss();
    await begin();
    assertEquals(await machine.succeed(READ), "new0");
    assertEquals(
      await machine.succeed(
        "dd if=/dev/vda bs=512 skip=9000 count=1 | tr -d '\\0' | wc -c",
      ),
      "0\n",
    );
    const left = [...Deno.readDirSync(machine.stateDir)]
      .filter(({ name }) => name.startsWith("vw-disk"));
    assertEquals(left, []);
  });

  await t.step("a disk that is taken out is there after a start", async () => {
    await disk.cacheWrites();
    await machine.succeed(write("last"));
    await machine.disk("second").detach();
    await machine.waitUntilFails("[ -e /dev/vdb ]", { timeout: 60 });
    await machine.crash();
    await begin();
    await machine.succeed("[ -e /dev/vdb ]");
    // Whatever ends the guest but a loss of power keeps what a cache holds.
    assertEquals(await machine.succeed(READ), "last");
  });
});
