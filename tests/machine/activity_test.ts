/** What stirs in a guest without ports, for which a bash of the host's stands in. */
import { assert } from "@std/assert";
import { Activity } from "../../src/machine/activity.ts";
import type { MachineCore } from "../../src/machine/core.ts";
import { Shell } from "../../src/shell/mod.ts";
import { hostBash } from "../shell/host_bash.ts";

Deno.test("a guest without ports is not stirred by saying over its console that it was", async () => {
  await using console = hostBash();
  using shell = new Shell({ console });
  const core = { running: () => ({ shell }) } as unknown as MachineCore;
  using activity = new Activity(core);
  const { signal } = new AbortController();
  await activity.pass(0, 1, signal);
  const began = performance.now();
  for (let n = 0; n < 4; n++) await activity.pass(0, 1, signal);
  const took = performance.now() - began;
  // The host is stirred all the time, but the console comes to rest between.
  assert(took > 900, `${took} ms`);
});
