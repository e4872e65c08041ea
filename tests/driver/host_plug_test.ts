import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Supervisor } from "../../src/backend/mod.ts";
import { lent } from "./lent.ts";
import { startVlan } from "../../src/driver/vlan.ts";
import { MachineError } from "../../src/errors.ts";
import { ownVlan } from "./own_vlan.ts";

const missing = (() => {
  if (Deno.uid() !== 0) return "it takes root";
  try {
    Deno.openSync("/dev/net/tun", { read: true, write: true }).close();
  } catch (error) {
    return `${error}`;
  }
})();
const ignore = missing !== undefined;
if (ignore) console.log(`HostPlug: skipped, ${missing}`);

/** The host's network interfaces of that name. */
function interfaces(wanted: string): string[] {
  return [...Deno.readDirSync("/sys/class/net")].map(({ name }) => name)
    .filter((name) => name === wanted);
}

Deno.test("a VLAN's interface on the host is there until the VLAN stops", {
  ignore,
}, async () => {
  const nr = ownVlan("host plug");
  const directory = await Deno.makeTempDir();
  await using supervisor = new Supervisor();
  const vlan = await startVlan(nr, directory, supervisor, lent);
  assertEquals(interfaces(`vde-tap${nr}`), []);
  await vlan.plugIntoHost();
  await vlan.plugIntoHost();
  assertEquals(interfaces(`vde-tap${nr}`), [`vde-tap${nr}`]);
  await vlan.stop();
  assertEquals(interfaces(`vde-tap${nr}`), []);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("an interface of another run is left alone", { ignore }, async () => {
  const nr = ownVlan("host plug");
  const directories = [await Deno.makeTempDir(), await Deno.makeTempDir()];
  await using supervisor = new Supervisor();
  const [mine, other] = await Promise.all(
    directories.map((directory) => startVlan(nr, directory, supervisor, lent)),
  );
  await other.plugIntoHost();
  const { message } = await assertRejects(
    () => mine.plugIntoHost(),
    MachineError,
  );
  assertStringIncludes(
    message,
    `vlan ${nr} has no interface vde-tap${nr} on the host, so containers can't ` +
      "reach virtual machines on it: another run has one of that name",
  );
  await mine.stop();
  assertEquals(interfaces(`vde-tap${nr}`), [`vde-tap${nr}`]);
  await other.stop();
  for (const directory of directories) {
    await Deno.remove(directory, { recursive: true });
  }
});
