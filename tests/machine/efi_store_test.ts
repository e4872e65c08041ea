/** The stores of the firmware of aarch64's machines `virt`. */
import { assertEquals } from "@std/assert";
import { Driver, Log } from "../../mod.ts";
import {
  EFI_STORE_LENGTH_OF_VIRT,
  emptyStore,
  parseStore,
} from "../../src/machine/efi_store.ts";

/** What the firmware itself writes to empty flash, by its place there. */
const WRITTEN: Record<number, string> = {
  0: "000000000000000000000000000000008d2bf1ff96768b4ca9852747075b4f50" +
    "00000c00000000005f465648360e00004800f8f8000000020001000000000400" +
    "0000000000000000" + // The volume's header, and that of its store:
    "782cf3aa7b949a43a1802e144ec37792b8ff03005afe000000000000",
  0x40000: "2b29589e687c7d49a0ce6500fd9f1b955be7c686feffffffe0ff030000000000",
};

Deno.test("an empty store for aarch64 is the one that its firmware makes", () => {
  const bytes = emptyStore(EFI_STORE_LENGTH_OF_VIRT);
  let at = 0;
  for (const [place, text] of Object.entries(WRITTEN)) {
    const written = Uint8Array.fromHex(text);
    assertEquals(bytes.subarray(at, Number(place)).every(isErased), true);
    at = Number(place) + written.length;
    assertEquals(bytes.slice(Number(place), at), written);
  }
  assertEquals(bytes.subarray(at, 0xc0000).every(isErased), true);
  assertEquals(bytes.subarray(0xc0000).every((byte) => byte === 0), true);
});

Deno.test("variables of a machine that QEMU emulates aarch64 for go into a store for that", async () => {
  const outDir = await Deno.makeTempDir();
  const log = new Log();
  {
    await using driver = await Driver.create({
      machines: [{ name: "arm", startCommand: "qemu-system-aarch64 -M virt" }],
      outDir,
      log,
    });
    const [machine] = driver.machines;
    await machine.createEfiVars();
    assertEquals(await machine.readEfiVars(), []);
    const given = {
      guid: "65a72bd9-f42b-4039-8084-66cd1702cb24",
      name: "Given",
      data: new Uint8Array([1, 2]),
    };
    await machine.writeEfiVars([given]);
    const bytes = await Deno.readFile(machine.efiVarsPath);
    assertEquals(bytes.length, EFI_STORE_LENGTH_OF_VIRT);
    const found = parseStore(bytes, machine.efiVarsPath);
    assertEquals(found.map(({ name, data }) => ({ name, data })), [
      { name: given.name, data: given.data },
    ]);
  }
  await log.close();
  await Deno.remove(outDir, { recursive: true });
});

function isErased(byte: number): boolean {
  return byte === 0xff;
}
