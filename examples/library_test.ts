// The library in a test of Deno's own runner, without vmwright's command line.
//
//   START_SCRIPT=./run-machine-vm deno test -A library_test.ts
//
// A project of its own imports mod.ts by its URL instead.
import { Driver } from "../mod.ts";

Deno.test("the machine runs Linux", async () => {
  const startScript = Deno.env.get("START_SCRIPT") ?? "./run-machine-vm";
  await using driver = await Driver.create({
    machines: [startScript],
    outDir: "results",
  });
  const [machine] = driver.machines;

  const kernel = await machine.succeed("uname -s");
  if (kernel !== "Linux\n") throw new Error(`Expected Linux, got ${kernel}`);
});
