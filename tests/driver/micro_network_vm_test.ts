/** A VLAN that a microVM and a machine of QEMU's are on. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type BaseMachine, Driver, Log, MachineError } from "../../mod.ts";
import { guest, microConfiguration } from "../guests/mod.ts";
import { standIn } from "../stand_in/programs.ts";

Deno.test("a microVM and a machine of QEMU's reach each other on a VLAN", async () => {
  const directory = await Deno.makeTempDir();
  const variable = "VMWRIGHT_FIRECRACKER";
  if (Deno.env.get(variable) === undefined) {
    console.log(
      `Skipped: the real Firecracker, since ${variable} names none; a stand-in ` +
        "for it runs the test",
    );
    Deno.env.set(variable, await standIn("firecracker", directory));
  }
  try {
    const { startScriptFor } = await guest("tiny");
    await using driver = await Driver.create({
      machines: [
        await microConfiguration("firecracker", "micro", directory, {
          vlans: [1],
          number: 11,
        }),
        { name: "node2", startCommand: startScriptFor("node2") },
        await microConfiguration("firecracker", "wrong", directory, {
          vlans: [7],
        }),
      ],
      vlans: [1],
      outDir: `${directory}/out`,
      log: new Log([]),
    });
    const [micro, node2, wrong]: BaseMachine[] = driver.machines;
    await Promise.all([micro.start(), node2.start()]);
    await micro.succeed("ping -c 1 -W 60 192.168.1.2");
    await node2.succeed("ping -c 1 -W 60 192.168.1.11");
    // A card of the next start is on it, too.
    await micro.crash();
    await micro.succeed("ping -c 1 -W 60 192.168.1.2");

    const error = await assertRejects(() => wrong.start(), MachineError);
    assertStringIncludes(error.message, "wrong did not start: ");
    assertStringIncludes(error.message, "vlan7");
    assertEquals(wrong.booted, false);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
