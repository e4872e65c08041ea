import { assertEquals, assertMatch } from "@std/assert";
import { booted } from "./booted.ts";

/** The guest's start script, with more options for QEMU, and the machine's name. */
const SILENT: [name: string, options: string, hint: RegExp][] = [
  [
    "still",
    "-S",
    /^no shell after \d+ seconds: the guest does not run, QEMU's query-status says "prelaunch" \(.*-S.*; its console has said nothing$/,
  ],
  [
    "taken",
    "-device virtio-serial,id=mine -chardev null,id=c -device virtconsole,bus=mine.0,chardev=c",
    /^no shell after \d+ seconds: no shell has greeted the driver on the guest's \/dev\/hvc0; .*backdoor\.service.*; its console said last: ./,
  ],
];

Deno.test("hints tell that a shell does not come, and where to look", async () => {
  await using test = await booted({ names: ["still", "taken"] });
  const waiting = SILENT.map(async ([name, options, hint]) => {
    const { startCommand } = test.machines.find((one) => one.name === name)!;
    const machine = test.driver.createMachine(
      `QEMU_OPTS='${options}' ${startCommand}`,
      { name: `${name}-2` },
    );
    const connecting = machine.connect();
    connecting.catch(() => {});
    const { promise: told, resolve } = Promise.withResolvers<string>();
    using _listening = test.driver.log.addListener({
      on(event) {
        if (event.type !== "message" || event.machine !== machine.name) return;
        if (event.text.startsWith("no shell")) resolve(event.text);
      },
    });
    assertMatch(await told, hint);
    if (name === "still") {
      await machine.sendMonitorCommand("cont");
      await connecting;
      assertEquals(await machine.succeed("echo up"), "up\n");
    }
    await machine.release();
  });
  await Promise.all(waiting);
});
