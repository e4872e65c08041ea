/** What is common to the guests of microVMs' hypervisors. */
import { assertEquals } from "@std/assert";
import { isExiting } from "../../../src/backend/is_exiting.ts";
import {
  MicroVmGuest,
  type MicroVmOptions,
} from "../../../src/backend/microvm/guest.ts";
import { forgotten, gone } from "../processes.ts";

/** A guest of which only the process matters. */
class Bare extends MicroVmGuest {
  declare readonly memory: never;
  declare readonly processors: never;
  protected readonly telling = [];
  standsStill = () => Promise.resolve(undefined);
  protected save = () => Promise.resolve();
  protected meaning = () => undefined;
}

Deno.test("a guest is ending once its hypervisor exits, however long that takes", async () => {
  await using hypervisor = await forgotten();
  const silent = () => new ReadableStream({ type: "bytes" });
  const guest = new Bare({
    process: {
      pid: hypervisor.pid,
      status: new Promise(() => {}),
      stdin: new WritableStream(),
      stdout: silent(),
      stderr: silent(),
    },
    network: {},
  } as unknown as MicroVmOptions);
  assertEquals(guest.isEnding, false);
  await hypervisor.end();
  await gone(() => !isExiting(hypervisor.pid));
  assertEquals(guest.isEnding, true);
});
