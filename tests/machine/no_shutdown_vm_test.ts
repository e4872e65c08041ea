/** A start script whose QEMU is to stay when its guest is off. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MachineError } from "../../mod.ts";
import { guest } from "../guests/mod.ts";
import { booted } from "./booted.ts";

Deno.test("a guest with -no-shutdown is off when it was shut down, and starts again", async () => {
  const { startScriptFor } = await guest("tiny");
  await using test = await booted({
    startCommand: `${startScriptFor("tiny")} -no-shutdown`,
  });
  const { machine } = test;
  for (const _ of "ab") {
    await machine.succeed("true");
    await machine.shutdown();
    assertEquals(machine.isUp(), false);
  }
  await machine.succeed("true");
  const error = await assertRejects(
    () => machine.succeed("poweroff -f; sleep 1000"),
    MachineError,
  );
  assertStringIncludes(error.message, "tiny ended: the guest powered off");
});
