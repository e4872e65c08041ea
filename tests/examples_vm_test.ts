import { assertEquals } from "@std/assert";
import suite from "../examples/vmwright.suite.json" with { type: "json" };
import type { SuiteTest } from "../mod.ts";
import { headerCommands, runExample, runExamplesAsSuite } from "./examples.ts";
import type { GuestName } from "./guests/mod.ts";

/** Tests of the examples' suite that run on a small guest. */
const TOGETHER = ["files", "kernel_panic", "keyboard", "network"];
/** Others that run on a small guest, and on which. */
const ALONE: Record<string, GuestName> = {
  "library_test.ts": "tiny",
  "partition.ts": "tiny-redis",
  "power_loss.ts": "tiny",
};

Deno.test("The examples pass as tests of their suite", async () => {
  await runExamplesAsSuite(TOGETHER, "tiny");
});

for (const [name, guestName] of Object.entries(ALONE)) {
  Deno.test(`The example ${name} passes as its header says`, async () => {
    await runExample(name, guestName);
  });
}

const tests: Record<string, SuiteTest & { script: string }> = suite.tests;
for (const [name, test] of Object.entries(tests)) {
  Deno.test(`The suite of the examples runs ${name} as its header says`, async () => {
    const { script, startScripts = [], vlans = [], options = [] } = test;
    const [command] = headerCommands(
      await Deno.readTextFile(
        new URL(`../examples/${script}`, import.meta.url),
      ),
    );
    const words = [
      "vmwright",
      ...options,
      ...["--start-scripts", ...startScripts],
      ...vlans.length === 0 ? [] : ["--vlans", ...vlans],
      script,
    ];
    assertEquals(command.replace(" -o results", ""), words.join(" "));
  });
}

Deno.test("Each example is run by a test", () => {
  const files = [...Deno.readDirSync(new URL("../examples", import.meta.url))]
    .map(({ name }) => name).filter((name) => /\.(ts|py)$/.test(name));
  assertEquals(
    files.sort(),
    [
      ...TOGETHER.map((name) => tests[name].script),
      ...Object.keys(ALONE),
      "service.ts",
      "snapshot.ts",
    ].sort(),
  );
});
