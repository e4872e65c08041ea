import { assertEquals } from "@std/assert";
import { noteLook } from "../../src/machine/last_look.ts";
import { Log } from "../../src/report/mod.ts";
import { gatheredOnFork, gatherOnFork } from "../../src/run/evidence.ts";

Deno.test("what a wait on a fork has seen last stays known when the fork around it ends", async () => {
  const fork = { log: new Log([]), machinesMade: [] };
  const options = { isFailed: true, dumpMemory: false };
  const error = new Error("interrupted");
  let hasEnded = false;
  noteLook(error, "server", () => {
    if (hasEnded) throw new Error("the machine has ended");
    return "its last status was 1";
  });
  await gatherOnFork(fork, error, options);
  hasEnded = true;
  await gatherOnFork(fork, error, options);
  assertEquals(gatheredOnFork(error)?.lastSeen, [
    "server: its last status was 1",
  ]);
});
