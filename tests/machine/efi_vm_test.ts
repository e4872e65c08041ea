import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  Driver,
  efiAttributes,
  type MachineOf,
  TestFailure,
  UsageError,
} from "../../mod.ts";
import { parseStore, writeStore } from "../../src/machine/efi_store.ts";
import { Script } from "../../src/script/mod.ts";
import { runPython } from "../../src/script/python/mod.ts";
import { tracebackOf } from "../../src/script/traceback.ts";
import { kernel } from "../guests/kernel.ts";
import { uefi, uefiStartScript } from "../guests/uefi.ts";
import { Recorder } from "../script/python/recorder.ts";

const OURS = "65a72bd9-f42b-4039-8084-66cd1702cb24";
const GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c";

/** A driver with a machine that boots by UEFI. */
async function booting(
  recorder: Recorder,
): Promise<AsyncDisposable & { driver: Driver; machine: MachineOf<"qemu"> }> {
  const outDir = await Deno.makeTempDir();
  const driver = await Driver.create({
    machines: [await uefiStartScript(outDir, "machine")],
    outDir,
    log: recorder.log,
  });
  return {
    driver,
    machine: driver.machines[0],
    async [Symbol.asyncDispose]() {
      await driver[Symbol.asyncDispose]();
      await Deno.remove(outDir, { recursive: true });
    },
  };
}

/** Lets a guest see its variables. */
async function mountEfiVars(machine: MachineOf<"qemu">): Promise<void> {
  const { modules } = await kernel();
  const module = `${modules}/kernel/fs/efivarfs/efivarfs.ko`;
  await machine.copyFromHostViaShell(module, "/tmp/efivarfs.ko");
  await machine.succeed(
    "insmod /tmp/efivarfs.ko; " +
      "mount -t efivarfs efivarfs /sys/firmware/efi/efivars",
  );
}

Deno.test("a store of Debian's firmware is read, and written as it is", async () => {
  const { variables } = await uefi();
  const bytes = await Deno.readFile(variables);
  assertEquals(parseStore(bytes, variables), []);
  // The store is the same as that of the firmware's build.
  assertEquals(writeStore([]), bytes);
});

Deno.test("a store of the smaller firmware is as long as that one's", () => {
  const one = { guid: OURS, name: "é", data: new Uint8Array([1, 2, 3]) };
  const bytes = writeStore([one, { ...one, name: "b" }], 0x20000);
  assertEquals(bytes.length, 0x20000);
  const found = parseStore(bytes, "store");
  assertEquals(found.map(({ name, data }) => [name, [...data]]), [
    ["é", [1, 2, 3]],
    ["b", [1, 2, 3]],
  ]);
  assertEquals([found[0].guid, found[0].attributes], [OURS, 7]);
  // A successor that was not finished leaves the variable as it is.
  const at = 0x48 + 28 + 2;
  bytes[at] = 0x3e;
  assertEquals(parseStore(bytes, "store").length, 2);
  bytes[at] = 0x3c;
  assertEquals(parseStore(bytes, "store").length, 1);
});

Deno.test("a wrong or a full store of variables is refused", async () => {
  await assertRejects(
    async () => void await parseStore(new Uint8Array(9), "nine"),
    TestFailure,
    "Expected a store of EFI variables of OVMF, got ",
  );
  const large = { guid: OURS, name: "a", data: new Uint8Array(0x30000) };
  await assertRejects(
    async () => void await writeStore([large, { ...large, name: "b" }]),
    TestFailure,
    "more than the 262144 bytes",
  );
});

Deno.test("EFI variables go into a guest that boots by UEFI, and come out of it", async () => {
  const recorder = new Recorder();
  await using test = await booting(recorder);
  const { machine } = test;
  assertEquals(await machine.readEfiVars(), undefined);
  await machine.dumpEfiVars();
  await machine.createEfiVars();
  await assertRejects(() => machine.createEfiVars(), TestFailure, "already");
  await assertRejects(
    () =>
      machine.writeEfiVars([{ guid: "x", name: "a", data: new Uint8Array(1) }]),
    UsageError,
    "Expected a GUID",
  );
  assertEquals(await machine.readEfiVars(), []);
  const text = new TextEncoder().encode("from outside");
  await machine.write_efi_vars([
    { guid: OURS.toUpperCase(), name: "Given", data: new Uint8Array([1]) },
  ]);
  await machine.writeEfiVars([
    { guid: OURS, name: "Given", data: text },
    {
      guid: OURS,
      name: "Secret",
      data: text,
      attributes: efiAttributes.nonVolatile | efiAttributes.bootserviceAccess,
    },
  ]);
  await mountEfiVars(machine);
  assertEquals(
    await machine.succeed(
      `cat /sys/firmware/efi/efivars/Given-${OURS} | tail -c +5; ` +
        `[ ! -e /sys/firmware/efi/efivars/Secret-${OURS} ]`,
    ),
    "from outside",
  );
  await assertRejects(() => machine.readEfiVars(), TestFailure, "is running");
  await machine.succeed(
    `printf '\\007\\000\\000\\000from inside' > /sys/firmware/efi/efivars/New-${OURS}`,
  );
  await machine.shutdown();
  const found = await machine.readEfiVars();
  const ours = found!.filter(({ guid }) => guid === OURS);
  assertEquals(
    ours.map(({ name, data }) => [name, new TextDecoder().decode(data)]),
    [
      ["Given", "from outside"],
      ["Secret", "from outside"],
      ["New", "from inside"],
    ],
  );
  // The firmware has its own, which stay when others are written.
  assert(
    found!.some(({ guid, name }) => guid === GLOBAL && name === "Timeout"),
  );
  await machine.writeEfiVars([{ guid: OURS, name: "New", data: text }]);
  assertEquals((await machine.readEfiVars())!.length, found!.length);
  await machine.dumpEfiVars();
  const outline = recorder.outline().join("\n");
  assertStringIncludes(outline, `  New of ${OURS} (nonVolatile, `);
  assertStringIncludes(outline, "machine: there are no EFI variables: ");
});

Deno.test("a script in Python reads and writes EFI variables", async () => {
  const recorder = new Recorder();
  await using test = await booting(recorder);
  const path = new URL("../python/uefi/efi_vars.py", import.meta.url).pathname;
  const { modules } = await kernel();
  const module = `${modules}/kernel/fs/efivarfs/efivarfs.ko`;
  Deno.copyFileSync(module, `${test.driver.outDir}/efivarfs.ko`);
  try {
    await runPython(new Script({ path, language: "python" }), test.driver);
  } catch (error) {
    throw new Error(tracebackOf(error) ?? String(error), { cause: error });
  }
});
