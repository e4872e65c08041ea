/** What each kind of machine can do, by its type and at run time. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type BaseMachine,
  ContainerMachine,
  Driver,
  Log,
  type Machine,
  MachineError,
  type MachineOf,
  QemuMachine,
  UsageError,
} from "../../mod.ts";
import type { Special } from "../../src/machine/mod.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";

/** Never called: it is the compiler that checks it. */
async function typesOfMachines(driver: Driver<"qemu" | "nspawn">) {
  const vm: MachineOf<"qemu"> = driver.machinesQemu[0];
  await vm.screenshot("screen");
  await vm.wait_for_text("text");
  const jail: MachineOf<"nspawn"> = driver.machinesNspawn[0];
  await jail.succeed("true");
  await jail.wait_for_unit("nginx");
  // A program in it may show a screen.
  await jail.screenshot("screen");
  await jail.wait_for_text("text");
  // @ts-expect-error a container has no keyboard
  await jail.sendKey("ret");
  // @ts-expect-error nor has it one under the other name
  await jail.send_chars("text");
  // @ts-expect-error nor a link that the driver controls
  await jail.link(driver.vlans[0]).set({});
  // @ts-expect-error nor QEMU's monitor
  await jail.qmpClient.send("query-status");
  for (const machine of driver.machines) {
    await machine.waitForOpenPort(80);
    // @ts-expect-error some of them are containers
    await machine.sendKey("ret");
    if (machine instanceof QemuMachine) await machine.send_key("ret");
    else await machine.succeed("true");
  }
  const any: Machine = jail;
  // @ts-expect-error nobody knows what runs it
  await any.sendKey("ret");
  // @ts-expect-error a container is no virtual machine, whatever the two can do
  const _other: ContainerMachine = vm;
}

/** Never called, too. */
async function typesOfDrivers(command: string) {
  const driver = await Driver.create({ machines: ["./run-web-vm"] });
  await driver.machines[0].sendKey("ret");
  const prison = await Driver.create({ machines: ["./run-jail-nspawn"] });
  // @ts-expect-error its start script is a container's
  await prison.machines[0].sendKey("ret");
  const both = await Driver.create({
    machines: [command, { startCommand: command, backend: "nspawn" }],
  });
  // @ts-expect-error one of them is a container
  await both.machines[0].sendKey("ret");
  await driver.createMachine(command).sendKey("ret");
  const cell = driver.createMachine(command, { backend: "nspawn", name: "a" });
  // @ts-expect-error that says what runs it
  await cell.sendKey("ret");
  // @ts-expect-error and so does the script's name
  await driver.createMachine("run-a-nspawn", { name: "b" }).sendKey("a");
  const test: (driver: Driver) => void = () => {};
  test(driver);
  test(prison);
}

/** Never called, too. */
async function typesOfForks(
  qemu: Driver<"qemu">,
  micro: Driver<"firecracker">,
) {
  const ready = await qemu.snapshot();
  await qemu.subtest("one", { from: ready }, ({ web }) => web.sendKey("ret"));
  const small = await micro.snapshot();
  await micro.subtest("one", { from: small }, async ({ web }, fork) => {
    await web.pause();
    // @ts-expect-error a microVM has no keyboard, in a fork neither
    await web.sendKey("ret");
    await using deeper = await (await fork.snapshot()).fork();
    // @ts-expect-error nor in a fork of a fork
    await deeper.machines[0].sendKey("ret");
  });
}

/** Whatever only some machines can do, the others have a sentence for. */
type Unspoken = Exclude<
  Exclude<keyof QemuMachine, keyof BaseMachine>,
  Special
>;

Deno.test("a method that a machine does not have is a type error", () => {
  const unspoken: Unspoken[] = [];
  assertEquals(unspoken, []);
  assert([typesOfMachines, typesOfDrivers, typesOfForks].length === 3);
});

async function driverOf(directory: string) {
  return await Driver.create({
    machines: ["/nowhere/run-vm-vm", "/nowhere/run-jail-nspawn", {
      name: "other",
      startCommand: "start",
      backend: "nspawn",
    }],
    outDir: directory,
    log: new Log([]),
  });
}

Deno.test("a machine's class is that of its backend", async () => {
  using directory = temporaryDirectory();
  await using driver = await driverOf(directory.path);
  const [jail, other, vm] = driver.machines;
  assert(jail instanceof ContainerMachine);
  assert(other instanceof ContainerMachine);
  assert(vm instanceof QemuMachine);
  assertEquals(
    driver.machines.map(({ backend }) => backend),
    ["nspawn", "nspawn", "qemu"],
  );
  assertEquals(driver.machinesNspawn, [jail, other]);
  assertEquals(driver.machinesQemu, [vm]);
});

Deno.test("a method that a machine does not have throws one sentence", async () => {
  using directory = temporaryDirectory();
  await using driver = await driverOf(directory.path);
  const [jail] = driver.machines as unknown as MachineOf<"qemu">[];
  const sentence = (what: string, need: string) =>
    `${what} needs ${need}, which systemd-nspawn does not give jail`;
  const questions: [ask: () => Promise<unknown>, what: string, need: string][] =
    [
      [() => jail.sendKey("ret"), "sendKey()", "a keyboard"],
      [() => jail.send_chars("a"), "sendChars()", "a keyboard"],
      [
        () => jail.forwardPort(),
        "forwardPort()",
        "a network that forwards ports of the host",
      ],
      [
        () => jail.block(),
        "block()",
        "a network card that the driver controls",
      ],
      [
        () => jail.unblock(),
        "unblock()",
        "a network card that the driver controls",
      ],
      [
        () => jail.sendMonitorCommand("info status"),
        "sendMonitorCommand()",
        "QEMU's monitor",
      ],
      [
        () => jail.waitForQmpEvent(() => true),
        "waitForQmpEvent()",
        "QEMU's monitor",
      ],
      ...[
        [() => jail.pause(), "pause()"],
        [() => jail.resume(), "resume()"],
      ].map(([ask, what]) =>
        [
          ask,
          what,
          "processors that the driver can pause",
        ] as [() => Promise<unknown>, string, string]
      ),
      [
        () => jail.nmi(),
        "nmi()",
        "a non-maskable interrupt",
      ],
      [() => jail.setClock(0), "setClock()", "a clock of its own"],
      [() => jail.skew(1), "skew()", "a clock of its own"],
      [
        () => jail.powerLoss(),
        "powerLoss()",
        "disks whose unflushed writes can be dropped",
      ],
      [
        () => jail.fillDisk(),
        "fillDisk()",
        "file systems of the guest's own",
      ],
      [
        () => jail.limitMemory(1e8),
        "limitMemory()",
        "memory that the driver can take away",
      ],
      [() => jail.createEfiVars(), "createEfiVars()", "UEFI firmware"],
      [() => jail.readEfiVars(), "readEfiVars()", "UEFI firmware"],
      [() => jail.writeEfiVars([]), "writeEfiVars()", "UEFI firmware"],
      [() => jail.dumpEfiVars(), "dumpEfiVars()", "UEFI firmware"],
    ];
  for (const [ask, what, need] of questions) {
    const error = await assertRejects(ask, MachineError);
    assertEquals(error.message, sentence(what, need));
  }
  const vlan = { nr: 1, socketDir: "/nowhere" };
  const link = assertThrows(() => jail.link(vlan), MachineError);
  assertEquals(
    link.message,
    sentence("link()", "a network card that the driver controls"),
  );
  const disk = assertThrows(() => jail.disk(), MachineError);
  assertEquals(
    disk.message,
    sentence("disk()", "disks that the driver controls"),
  );
  await assertRejects(
    () => jail.start({ fastForward: true }),
    UsageError,
    sentence("fastForward", "a clock that the hypervisor controls"),
  );
  const qmp = assertThrows(() => jail.qmp_client, MachineError);
  assertEquals(qmp.message, sentence("qmpClient", "QEMU's monitor"));
  const path = assertThrows(() => jail.efiVarsPath, MachineError);
  assertEquals(path.message, sentence("efiVarsPath", "UEFI firmware"));
});
