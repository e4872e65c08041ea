/**
 * A kernel that panics and hands over to its crash kernel, as it does where
 * `kexec -p` has loaded one.
 *
 * The guest has no kexec, but perl, which makes the same system call.
 */
import { assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { Driver, Log, MachineError, type MachineOf } from "../../mod.ts";
import { startScript } from "../guests/start_script.ts";
import { tiny } from "../guests/tiny.ts";
import { uefi } from "../guests/uefi.ts";

/** Loads a kernel to be booted after a panic: its file, initrd and parameters. */
const LOAD = `perl -e '
  open my $kernel, "<", shift or die; open my $initrd, "<", shift or die;
  my $parameters = shift . "\\0";
  my ($kexec_file_load, $on_crash) = (320, 2);
  syscall($kexec_file_load, fileno $kernel, fileno $initrd,
    length $parameters, $parameters, $on_crash) == 0 or die $!;
'`;

/** A machine that has memory for a crash kernel, and loads one. */
async function withCrashKernel(
  directory: string,
): Promise<{ driver: Driver; machine: MachineOf<"qemu"> }> {
  const image = await tiny("micro");
  const script = `${directory}/run-dump-vm`;
  const { kernelParameters } = image;
  await Deno.writeTextFile(
    script,
    startScript({
      ...image,
      memory: 384,
      kernelParameters: [...kernelParameters, "norandmaps crashkernel=128M"],
    }, "dump"),
    { mode: 0o755 },
  );
  const driver = await Driver.create({
    machines: [script],
    outDir: directory,
    log: new Log([]),
  });
  const [machine] = driver.machines as MachineOf<"qemu">[];
  const { initrd } = await tiny("tiny-bare");
  const { kernel } = await uefi();
  await machine.copyFromHost(kernel, "/tmp/kernel");
  await machine.copyFromHost(initrd, "/tmp/initrd");
  await machine.succeed(
    `${LOAD} /tmp/kernel /tmp/initrd "${
      kernelParameters.join(" ")
    } norandmaps maxcpus=1 reset_devices"`,
  );
  return { driver, machine };
}

Deno.test("a guest with a crash kernel", async (t) => {
  const directory = await Deno.makeTempDir();
  try {
    const { driver, machine } = await withCrashKernel(directory);
    await using _driver = driver;

    await t.step(
      "goes on in that after a panic, which ends what ran",
      async () => {
        const running = machine.succeed("sleep 1000");
        const ended = assertRejects(() => running, MachineError);
        await machine.execute("echo c >/proc/sysrq-trigger", {
          checkReturn: false,
        });
        assertMatch((await ended).message, /Kernel panic|started again/);
        assertMatch(
          await machine.succeed("ls -l /proc/vmcore"),
          /root .* \/proc\/vmcore/,
        );
      },
    );

    await t.step("is dead when that panics too", async () => {
      const error = await machine.succeed("echo c >/proc/sysrq-trigger").then(
        () => undefined,
        (error) => error,
      );
      assertInstanceOf(error, MachineError);
      assertMatch(error.message, /Kernel panic - not syncing/);
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
