/** Faults of the disks and the memory of microVMs. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type BaseMachine,
  Driver,
  Log,
  MachineError,
  type MachineOf,
} from "../../mod.ts";
import { kinds } from "../../src/backend/mod.ts";
import { Script } from "../../src/script/mod.ts";
import { runPython } from "../../src/script/python/mod.ts";
import { trials } from "./backends.ts";

const READ =
  "dd if=/dev/vda bs=512 count=1 iflag=direct 2>/dev/null | head -c 4";
/** Bytes that a guest is left with. */
const LEFT = 160 * 2 ** 20;
/** Prints the kilobytes of the guest's memory. */
const TOTAL = "sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo";

for (const trial of trials.filter(({ backend }) => backend !== "qemu")) {
  Deno.test(`disks and memory of a machine of ${trial.by}`, async (t) => {
    const directory = await Deno.makeTempDir();
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(directory, { recursive: true }));
    const images = ["one", "two"].map((name) => `${directory}/${name}.img`);
    for (const image of images) {
      await Deno.writeTextFile(image, "data");
      await Deno.truncate(image, 2 ** 20);
    }
    const log = new Log([]);
    stack.defer(() => log.close());
    const driver = stack.use(
      await Driver.create({
        machines: [
          await trial.startCommand("web", directory, {
            disks: images,
            balloon: true,
          }),
          await trial.startCommand("bare", directory),
        ],
        outDir: `${directory}/out`,
        log,
      }),
    );
    const all: BaseMachine[] = driver.machines;
    const [bare, web] = all as MachineOf<
      "firecracker" | "cloud-hypervisor"
    >[];
    const { hypervisor } = kinds[trial.backend];
    const isFirecracker = trial.backend === "firecracker";
    await web.connect();
    const refuses = async (act: () => Promise<unknown>, message: string) => {
      const error = await assertRejects(act, MachineError);
      assertEquals(error.message, message);
    };

    await t.step(
      "a disk is slow until that ends, if that is possible",
      async () => {
        if (!isFirecracker) {
          await refuses(
            () => web.disk().throttle({ operationsPerSecond: 4 }),
            "throttle() needs a disk that can be slowed down while the guest " +
              `runs, which ${hypervisor} does not give web`,
          );
          return;
        }
        const ten = "for n in 1 2 3 4 5 6 7 8 9 10; do " + READ + "; done";
        await driver.subtest("slow", async () => {
          await web.disk().throttle({ operationsPerSecond: 4 });
          const began = performance.now();
          await web.succeed(ten);
          // The first ones pass at once.
          assert(performance.now() - began > 1000);
        });
        // It has no limit of the test's any more.
        const log = await web.disk("disk1").throttle({ bytesPerSecond: 1e9 });
        await log.heal();
      },
    );

    await t.step("a disk is detached, if that is possible", async () => {
      if (isFirecracker) {
        await refuses(
          () => web.disk("disk1").detach(),
          "detach() needs a disk that can be taken out while the guest runs, " +
            `which ${hypervisor} does not give web`,
        );
        return;
      }
      await web.succeed("[ -e /dev/vda ]", "[ -e /dev/vdb ]");
      await web.disk().detach();
      await web.waitUntilFails("[ -e /dev/vda ]", { timeout: 60 });
      await web.succeed("[ -e /dev/vdb ]");
      await web.crash();
      await web.succeed("[ -e /dev/vda ]");
    });

    await t.step("what is impossible is reported", async () => {
      await refuses(
        () => web.disk().fail({ reads: true }),
        "fail() needs a disk whose requests can be made to fail, which " +
          `${hypervisor} does not give web`,
      );
      await refuses(
        () => web.disk().cacheWrites(),
        "cacheWrites() needs a disk whose unflushed writes can be dropped, " +
          `which ${hypervisor} does not give web`,
      );
      const known = isFirecracker ? "disk0, disk1" : "_disk0, _disk1";
      await refuses(
        () => web.disk("floppy").fail({ reads: true }),
        `web has no disk named "floppy"; ${hypervisor} knows of ${known}`,
      );
    });

    await t.step("a file system is full until that ends", async () => {
      await web.succeed(
        "mkdir /tmp/small; mount -t tmpfs -o size=1M tmpfs /tmp/small",
      );
      await driver.subtest("full", async () => {
        await web.fillDisk("/tmp/small");
        await web.fail("echo x > /tmp/small/file");
      });
      await web.succeed("echo x > /tmp/small/file");
    });

    await t.step("memory is small until that ends", async () => {
      await web.succeed("modprobe virtio_balloon");
      const total = async () => 1024 * Number(await web.succeed(TOTAL));
      const before = await total();
      await driver.subtest("pressure", async () => {
        await web.limitMemory(LEFT);
        assert(await total() < LEFT);
      });
      await web.waitUntilSucceeds(`[ $(${TOTAL}) -ge ${before / 1024} ]`, {
        timeout: 60,
      });
      await refuses(
        () => web.limitMemory(2 ** 40),
        `web has ${256 * 2 ** 20} bytes of memory, so it can't be limited to ` +
          `${2 ** 40}`,
      );
    });

    await t.step("a script in Python does it too", async () => {
      const code = `
web.succeed("modprobe virtio_balloon")
with web.limit_memory(${LEFT}) as limited:
    assert int(web.succeed(r"""${TOTAL}""")) < ${LEFT} // 1024
assert limited.is_over
with web.fill_disk("/tmp/small"):
    web.fail("echo more > /tmp/small/more")
web.succeed("echo more > /tmp/small/more")
${isFirecracker ? "web.disk().throttle(operations_per_second=1000)" : ""}
`;
      await runPython(new Script({ code, language: "python" }), driver);
    });

    await t.step("a missing balloon is reported", async () => {
      await web.crash();
      await bare.start();
      const error = await assertRejects(
        () => bare.limitMemory(LEFT),
        MachineError,
      );
      assert(error.message.startsWith("bare has no memory balloon"));
      assert(error.message.includes('have its description say "balloon": {'));
    });
  });
}
