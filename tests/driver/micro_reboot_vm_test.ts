/** Reboots of microVMs that were saved, and of forks. */
import { assertEquals } from "@std/assert";
import { type BaseMachine, Driver, Log } from "../../mod.ts";
import { kinds } from "../../src/backend/mod.ts";
import { trials } from "../machine/backends.ts";

/** Reboots a machine, and has its serial console carry text both ways. */
async function rebootAndTalk(machine: BaseMachine): Promise<void> {
  const boots = () => machine.getConsoleLog().split("Linux version").length;
  const before = boots();
  await machine.succeed("touch /tmp/there");
  await machine.reboot();
  await machine.fail("test -e /tmp/there");
  await machine.succeed("echo 'said so' >/dev/console");
  await machine.waitForConsoleText(/said so/, { timeout: 60 });
  // The guest has a shell there.
  await machine.sendConsole("echo typed $((6 * 7))\n");
  await machine.waitForConsoleText(/typed 42/, { timeout: 60 });
  assertEquals(boots(), before + 1);
}

for (const { backend, by, startCommand } of trials) {
  if (backend === "qemu" || !kinds[backend].reboots) continue;
  Deno.test(`microVMs of ${by} reboot after a snapshot, and have their consoles`, async (t) => {
    const place = await Deno.makeTempDir();
    try {
      await using driver = await Driver.create({
        machines: [{
          name: "web",
          startCommand: await startCommand("web", place),
          allowReboot: true,
        }],
        outDir: `${place}/out`,
        log: new Log([]),
      });
      const [web]: BaseMachine[] = driver.machines;
      await web.connect();
      await using ready = await driver.snapshot();

      await t.step("the machine itself", () => rebootAndTalk(web));
      await t.step("a fork of it", async () => {
        await using fork = await ready.fork();
        await rebootAndTalk(fork.machines[0]);
      });
      await t.step("the machine, once it was brought back", async () => {
        await ready.restore();
        await rebootAndTalk(web);
      });
    } finally {
      await Deno.remove(place, { recursive: true });
    }
  });
}
