import { assertEquals, assertMatch } from "@std/assert";
import { Driver, Log } from "../../mod.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";
import { guest } from "./mod.ts";

Deno.test("the guest tiny", async (t) => {
  const { startScriptFor } = await guest("tiny");
  using directory = temporaryDirectory();
  await using driver = await Driver.create({
    machines: [startScriptFor("node3")],
    vlans: [1, 4],
    outDir: directory.path,
    log: new Log([]),
  });
  const [machine] = driver.machines;

  await t.step("has the names and addresses that its name says", async () => {
    assertEquals(await machine.succeed("hostname"), "node3\n");
    const addresses = await machine.succeed("ip address");
    assertMatch(addresses, /inet 192\.168\.1\.3\/24 .* eth1/);
    assertMatch(addresses, /inet 192\.168\.4\.3\/24 .* eth2/);
    await machine.succeed("ping -c 1 -w 60 node3");
  });

  await t.step("has bash's network devices", async () => {
    await machine.succeed("nc -l -p 7 < /dev/null > /tmp/heard 2>&1 &");
    await machine.waitForOpenPort(7, { timeout: 120 });
  });

  await t.step("shares a directory with the host", async () => {
    await machine.succeed("echo from the guest > /tmp/shared/greeting");
    await machine.succeed("grep ' /tmp/shared 9p ' /proc/mounts");
  });

  await t.step("has programs of coreutils, not of busybox", async () => {
    const version = "base64 --version && timeout --version";
    assertMatch(await machine.succeed(version), /GNU coreutils/);
  });

  await t.step("powers off", async () => {
    await machine.shutdown();
  });
});

Deno.test("the guest tiny-busybox has no base64 and timeout but busybox's", async () => {
  const { startScript } = await guest("tiny-busybox");
  using directory = temporaryDirectory();
  await using driver = await Driver.create({
    machines: [startScript],
    outDir: directory.path,
    log: new Log([]),
  });
  const [machine] = driver.machines;
  assertEquals(
    await machine.succeed(
      "for name in base64 timeout; do readlink $(type -ap $name); done",
    ),
    "busybox\nbusybox\n",
  );
});
