/** The microVM that the examples build. */
import { assertEquals, assertMatch } from "@std/assert";
import { type BaseMachine, Driver, Log } from "../../mod.ts";
import { standIn } from "../stand_in/programs.ts";
import { microvmExample } from "./microvm_example.ts";

Deno.test("the microVM of the examples boots from an initramfs alone", async () => {
  const place = await Deno.makeTempDir();
  const before = Deno.env.get("VMWRIGHT_FIRECRACKER");
  Deno.env.set("VMWRIGHT_FIRECRACKER", await standIn("firecracker", place));
  try {
    await using driver = await Driver.create({
      machines: [`${await microvmExample()}/run-ram-firecracker.json`],
      outDir: `${place}/out`,
      log: new Log([]),
    });
    const [ram]: BaseMachine[] = driver.machines;
    await ram.waitForUnit("multi-user.target", { timeout: 900 });
    assertEquals(
      await ram.succeed("hostname; ls /dev/vd* || echo none"),
      "machine\nnone\n",
    );
    assertMatch(await ram.succeed("stat -f -c %T /"), /^(tmpfs|ramfs)$/m);
    await ram.shutdown();
  } finally {
    if (before === undefined) Deno.env.delete("VMWRIGHT_FIRECRACKER");
    else Deno.env.set("VMWRIGHT_FIRECRACKER", before);
    await Deno.remove(place, { recursive: true });
  }
});
