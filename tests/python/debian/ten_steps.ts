// The same test as ten_steps.py.
import type { Driver, Log, MachineOf } from "../../../mod.ts";
import { assertStringIncludes } from "@std/assert";

/** What the script sees. */
interface Names {
  machine: MachineOf<"qemu">;
  log: Log;
  startAll: Driver["startAll"];
  subtest: Driver["subtest"];
}

export default async function (
  { machine, log, startAll, subtest }: Names,
): Promise<void> {
  await startAll();
  await subtest("the system comes up", async () => {
    await machine.waitForUnit("multi-user.target");
    await machine.waitForUnit("nginx");
  });
  await subtest("it serves its page", async () => {
    await machine.waitForOpenPort(80);
    const page = await machine.succeed("curl -sSf http://localhost/");
    assertStringIncludes(page, "This page is served by");
  });
  await subtest("a file appears", async () => {
    await machine.succeed("(sleep 1; touch /tmp/appears) >&2 &");
    await machine.waitForFile("/tmp/appears", { timeout: 60 });
    await machine.fail("test -e /tmp/does-not");
  });
  await subtest("it says so", async () => {
    await machine.succeed("echo all is said >&2");
    await machine.waitForConsoleText("all is said", { timeout: 60 });
  });
  await log.nested("it can be asked again and again", async () => {
    await machine.waitUntilSucceeds("systemctl is-active nginx", {
      timeout: 60,
    });
  });
  await machine.screenshot("ten-steps");
  log.info("done");
}
