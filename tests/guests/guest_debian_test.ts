import { assertEquals, assertMatch } from "@std/assert";
import { Driver, Log } from "../../mod.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";
import { guest } from "./mod.ts";

Deno.test("the guest debian", async (t) => {
  const { startScriptFor } = await guest("debian");
  using directory = temporaryDirectory();
  await using driver = await Driver.create({
    machines: [startScriptFor("web", { number: 7 })],
    vlans: [1],
    outDir: directory.path,
    log: new Log([]),
  });
  const [machine] = driver.machines;

  await t.step("tells its console what systemd does", async () => {
    await machine.start();
    await machine.waitForConsoleText(/Started Backdoor shell/);
  });

  await t.step("serves a page on its address", async () => {
    await machine.waitForUnit("nginx");
    assertEquals(
      await machine.succeed("curl -sSf http://192.168.1.7/"),
      "This page is served by web\n",
    );
  });

  await t.step("shows a window on its screen", async () => {
    await machine.waitForX();
    await machine.waitForWindow(/^vmwright window$/);
  });

  await t.step("shares a directory with the host", async () => {
    await machine.succeed("mountpoint /tmp/shared");
  });

  await t.step("has a login on its first terminal", async () => {
    await machine.waitUntilTtyMatches("1", /web login:/);
  });

  await t.step("has started without a failed unit", async () => {
    assertMatch(
      await machine.succeed("systemctl --wait is-system-running"),
      /running/,
    );
  });
});
