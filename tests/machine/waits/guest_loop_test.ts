/** Loops in the guest, in a bash of the host's. */
import { assert, assertEquals } from "@std/assert";
import { untilHolds } from "../../../src/machine/waits/guest_loop.ts";

/** Loops twenty times, and answers how many milliseconds that took. */
async function loop(stdout: string): Promise<number> {
  const began = performance.now();
  const { success } = await new Deno.Command("bash", {
    args: [
      "-euo",
      "pipefail",
      "-c",
      `exec >${stdout}; PATH=; looks=0; ` +
      untilHolds("(( (looks += 1) > 20 ))"),
    ],
  }).output();
  assertEquals(success, true);
  return performance.now() - began;
}

Deno.test("a loop whose stdout is no port pauses, and starts no program for it", async () => {
  const stdout = await Deno.makeTempFile();
  const took = await loop(stdout);
  // The first pause may be none.
  assert(took >= 19 * 20, `${took} ms`);
  await Deno.remove(stdout);
});

Deno.test("a loop whose port has ended pauses all the same", async () => {
  const took = await loop("/dev/null");
  assert(took >= 19 * 20, `${took} ms`);
});

Deno.test("the longer a loop has waited, the longer it pauses, to a limit", async () => {
  const { stdout } = await new Deno.Command("bash", {
    args: [
      "-euo",
      "pipefail",
      "-c",
      "read() { pauses+=($3); return 142; }; pauses=(); " +
      untilHolds("(( ${#pauses[@]} == 200 ))") +
      '; printf "%s\\n" "${pauses[@]}"',
    ],
  }).output();
  const pauses = new TextDecoder().decode(stdout).trim().split("\n").map(
    Number,
  );
  assertEquals(pauses[0], 0.02);
  let waited = 0;
  for (const [at, pause] of pauses.entries()) {
    // Not later than by a hundredth of what the wait has taken, after a moment.
    assert(pause <= 0.02 + waited / 100 + 0.001, `${pause} after ${waited}`);
    assert(at === 0 || pause >= pauses[at - 1]);
    waited += pause;
  }
  assert(pauses.at(-1)! >= 0.08 && pauses.at(-1)! < 0.082);
});
