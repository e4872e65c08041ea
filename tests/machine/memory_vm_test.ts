import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { MachineError, UsageError } from "../../mod.ts";
import { Script } from "../../src/script/mod.ts";
import { runPython } from "../../src/script/python/mod.ts";
import { guest } from "../guests/mod.ts";
import { booted } from "./booted.ts";

/** Bytes that a guest is left with. */
const LEFT = 160 * 2 ** 20;
/** Prints the kilobytes of the guest's memory. */
const TOTAL = "sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo";

Deno.test("a guest's memory", async (t) => {
  const directory = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const script = await Deno.readTextFile((await guest("tiny")).startScript);
  assertStringIncludes(script, " acpi=noirq");
  const startCommand = `${directory}/run-tiny-vm`;
  // Only ACPI tells of the interrupt of a balloon that is added.
  await Deno.writeTextFile(startCommand, script.replace(" acpi=noirq", ""), {
    mode: 0o755,
  });
  const test = stack.use(await booted({ startCommand }));
  const { driver, machine, events } = test;
  const total = async () => 1024 * Number(await machine.succeed(TOTAL));
  const isBack = (bytes: number) =>
    machine.waitUntilSucceeds(`[ $(${TOTAL}) -ge ${bytes / 1024} ]`, {
      timeout: 60,
    });
  const balloons = async () =>
    (await machine.sendMonitorCommand("info qtree")).match(
      /dev: virtio-balloon-pci/g,
    )?.length ?? 0;
  const before = await total();

  await t.step("without its driver, it hands nothing over", async () => {
    await assertRejects(
      () => machine.limitMemory(LEFT),
      MachineError,
      "tiny gives no memory to a balloon: does its kernel have the driver " +
        "virtio_balloon",
    );
    assertEquals(await balloons(), 0);
  });
  await machine.succeed("modprobe virtio_balloon");

  await t.step("is small until that ends", async () => {
    await driver.subtest("pressure", async () => {
      const limit = await machine.limitMemory(LEFT);
      assertEquals(limit.text, `memory: ${LEFT} bytes left`);
      assert(await total() < LEFT);
      await assertRejects(
        () => driver.snapshot(),
        MachineError,
        "limitMemory() limits the memory of the guest: end that limit first",
      );
    });
    assertEquals(await total(), before);
    assertEquals(await balloons(), 0);
    const began = events.filter((event) =>
      event.type === "intervalBegan" && event.text.startsWith("memory")
    );
    assertEquals(began.length, 1);
  });

  await t.step("is limited in a fork that has it alone", async () => {
    await using snapshot = await driver.snapshot();
    await driver.subtest("shared", { from: snapshot }, async ({ tiny }) => {
      await assertRejects(
        () => tiny.limitMemory(LEFT),
        MachineError,
        "needs the option ownMemory",
      );
      await tiny.succeed("true");
    });
    await driver.subtest(
      "alone",
      { from: snapshot, ownMemory: true },
      async ({ tiny }) => {
        await using _limit = await tiny.limitMemory(LEFT);
        assert(1024 * Number(await tiny.succeed(TOTAL)) < LEFT);
      },
    );
    assertEquals(await total(), before);
  });

  await t.step("is as small as the smallest limit", async () => {
    await using _more = await machine.limitMemory(LEFT + 2 ** 25);
    const between = await total();
    await (await machine.limitMemory(LEFT)).heal();
    await isBack(between);
    assertEquals(await total(), between);
  });

  await t.step("is limited by a script in Python", async () => {
    const code = `
def total():
    return int(tiny.succeed(r"""${TOTAL}"""))

before = total()
with subtest("pressure"):
    limited = tiny.limit_memory(${LEFT})
    assert limited.text == "memory: ${LEFT} bytes left", limited.text
    assert total() < ${LEFT} // 1024
assert limited.is_over
assert total() == before
`;
    await runPython(new Script({ code, language: "python" }), driver);
  });

  await t.step("is no smaller than its guest can do with", async () => {
    await assertRejects(
      () => machine.limitMemory(1),
      MachineError,
      "bytes of memory, which it needs itself, so it can't be limited to 4096",
    );
    assertEquals(await total(), before);
  });

  await t.step("is limited by a balloon that is there already", async () => {
    await machine.qmpClient.send("device_add", {
      driver: "virtio-balloon-pci",
      id: "own",
    });
    for (const _again of [1, 2]) {
      await using _limit = await machine.limitMemory(LEFT);
      await assertRejects(
        () => driver.snapshot(),
        MachineError,
        "end that limit first",
      );
    }
    assertEquals(await balloons(), 1);
    await isBack(before);
  });

  await t.step("is not limited to what is no size of it", async () => {
    for (const bytes of [0, 1.5, -1, NaN]) {
      await assertRejects(
        () => machine.limitMemory(bytes),
        UsageError,
        "Expected a whole number of bytes from 1 up",
      );
    }
    await assertRejects(
      () => machine.limitMemory(2 ** 40),
      MachineError,
      `bytes of memory, so it can't be limited to ${2 ** 40}`,
    );
  });

  await t.step("is whole after a new start", async () => {
    const limit = await machine.limitMemory(LEFT);
    await machine.crash();
    await machine.start();
    assertEquals(await total(), before);
    await limit.heal();
  });
});
