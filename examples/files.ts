// Copies files into a machine, and the results back to the host.
//
//   vmwright --start-scripts ./run-machine-vm -o results files.ts
//
// What a script copies out of a machine goes to the output directory.
const here = await Deno.makeTempDir();
await Deno.writeTextFile(`${here}/numbers`, "3\n1\n2\n");

await subtest("the machine sorts a file of the host", async () => {
  await machine.copyFromHost(`${here}/numbers`, "/tmp/numbers");
  await machine.succeed("sort /tmp/numbers > /tmp/sorted");
  await machine.copyFromMachine("/tmp/sorted", "");
  const sorted = await Deno.readTextFile(`${driver.outDir}/sorted`);
  assertEquals(sorted, "1\n2\n3\n");
});

await subtest("a whole tree travels too", async () => {
  await machine.succeed("mkdir -p /tmp/logs/old; dmesg > /tmp/logs/old/kernel");
  await machine.copyFromMachine("/tmp/logs", "");
  const kernel = await Deno.readTextFile(`${driver.outDir}/logs/old/kernel`);
  assertStringIncludes(kernel, "Linux version");
});

await Deno.remove(here, { recursive: true });
