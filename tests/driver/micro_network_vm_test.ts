/** VLANs that a microVM and machines of other backends are on. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type BaseMachine, Driver, Log, MachineError } from "../../mod.ts";
import { containerScript, noContainers } from "../guests/container.ts";
import { guest, microConfiguration } from "../guests/mod.ts";
import { standIn } from "../stand_in/programs.ts";
import { ownVlan } from "./own_vlan.ts";

const VARIABLE = "VMWRIGHT_FIRECRACKER";
const isReal = Deno.env.has(VARIABLE);
if (!isReal) {
  console.log(
    `Skipped: the real Firecracker, since ${VARIABLE} names none; a stand-in ` +
      "for it runs the tests",
  );
}

/** A directory for a test, with Firecracker or its stand-in. */
async function withFirecracker(): Promise<string> {
  const directory = await Deno.makeTempDir();
  if (!isReal) {
    Deno.env.set(VARIABLE, await standIn("firecracker", directory));
  }
  return directory;
}

Deno.test("a microVM and a machine of QEMU's reach each other on a VLAN", async () => {
  const directory = await withFirecracker();
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
    // A network may lose a frame.
    await node2.connect();
    await micro.waitUntilSucceeds("ping -c 1 -W 5 192.168.1.2");
    await node2.waitUntilSucceeds("ping -c 1 -W 5 192.168.1.11");
    // A card of the next start is on it, too.
    await micro.crash();
    await micro.waitUntilSucceeds("ping -c 1 -W 5 192.168.1.2");

    const error = await assertRejects(() => wrong.start(), MachineError);
    assertStringIncludes(error.message, "wrong did not start: ");
    assertStringIncludes(error.message, "vlan7");
    assertEquals(wrong.booted, false);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a microVM and a container reach each other on a VLAN", {
  ignore: noContainers !== undefined,
}, async () => {
  const directory = await withFirecracker();
  const vlan = ownVlan("microVMs");
  try {
    await using driver = await Driver.create({
      machines: [
        await microConfiguration("firecracker", "micro", directory, {
          vlans: [vlan],
          number: 11,
        }),
        containerScript(directory, "jail", { vlan, number: 12 }),
      ],
      vlans: [vlan],
      outDir: `${directory}/out`,
      log: new Log([]),
    });
    const [jail, micro]: BaseMachine[] = driver.machines;
    await Promise.all([jail.start(), micro.start()]);
    await jail.waitForUnit("multi-user.target");
    await micro.waitUntilSucceeds(`ping -c 1 -W 5 192.168.${vlan}.12`);
    await micro.succeed("nc -ll -p 80 -e true </dev/null >/dev/null 2>&1 &");
    await jail.waitForOpenPort(80, { addr: `192.168.${vlan}.11` });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
