import { assertEquals } from "@std/assert";
import { runExample } from "./examples.ts";

/** Those that run on the small guest. */
const EXAMPLES = [
  "files.ts",
  "kernel_panic.ts",
  "keyboard.ts",
  "library_test.ts",
  "network.py",
  "partition.ts",
  "power_loss.ts",
];

for (const name of EXAMPLES) {
  Deno.test(`The example ${name} passes as its header says`, async () => {
    await runExample(name, "tiny");
  });
}

Deno.test("Each example is run by a test", () => {
  const files = [...Deno.readDirSync(new URL("../examples", import.meta.url))]
    .map(({ name }) => name).filter((name) => /\.(ts|py)$/.test(name));
  assertEquals(files.sort(), [...EXAMPLES, "service.ts", "snapshot.ts"].sort());
});
