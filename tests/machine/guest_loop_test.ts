/** Loops in the guest, in a bash of the host's. */
import { assert, assertEquals } from "@std/assert";
import { untilHolds } from "../../src/machine/guest_loop.ts";

Deno.test("a loop whose stdout is no port pauses, and starts no program for it", async () => {
  const stdout = await Deno.makeTempFile();
  const began = performance.now();
  const { success } = await new Deno.Command("bash", {
    args: [
      "-euo",
      "pipefail",
      "-c",
      `exec >${stdout}; PATH=; looks=0; ` +
      untilHolds("(( (looks += 1) > 20 ))", 0.02),
    ],
  }).output();
  const took = performance.now() - began;
  assertEquals(success, true);
  // The first pause may be none.
  assert(took >= 19 * 20, `${took} ms`);
  await Deno.remove(stdout);
});
