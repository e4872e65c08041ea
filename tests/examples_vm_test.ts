import { assertEquals } from "@std/assert";
import { runExample } from "./examples.ts";
import type { GuestName } from "./guests/mod.ts";

/** Those that run on a small guest, and on which. */
const EXAMPLES: Record<string, GuestName> = {
  "files.ts": "tiny",
  "kernel_panic.ts": "tiny",
  "keyboard.ts": "tiny",
  "library_test.ts": "tiny",
  "network.py": "tiny",
  "partition.ts": "tiny-redis",
  "power_loss.ts": "tiny",
};

for (const [name, guestName] of Object.entries(EXAMPLES)) {
  Deno.test(`The example ${name} passes as its header says`, async () => {
    await runExample(name, guestName);
  });
}

Deno.test("Each example is run by a test", () => {
  const files = [...Deno.readDirSync(new URL("../examples", import.meta.url))]
    .map(({ name }) => name).filter((name) => /\.(ts|py)$/.test(name));
  assertEquals(
    files.sort(),
    [...Object.keys(EXAMPLES), "service.ts", "snapshot.ts"].sort(),
  );
});
