import { assertEquals } from "@std/assert";
import { temporaryDirectory, vmwright } from "./vmwright.ts";

const files = {
  // Never started.
  "run-fail-vm": "#!/bin/sh\nexit 1\n",
  "run-driver-vm": "#!/bin/sh\nexit 1\n",
  "test.ts": "console.log(driver.name, fail.name);",
  "test.py": "print(driver.name, fail.name)",
};

const machines = ["--start-scripts", "./run-fail-vm", "./run-driver-vm"];

const driverIs =
  "in the script, driver is the machine, and hides the driver's driver";
const failIs =
  "in the script, fail is the machine, and hides the assertion fail";

for (
  const [args, said, warnings] of [
    [["test.ts", "--no-check"], "driver fail\n", [driverIs, failIs]],
    [["test.py"], "driver fail\n", [driverIs]],
    [["-I"], undefined, [driverIs, failIs]],
    [["-I", "--language", "python"], undefined, [driverIs]],
  ] as const
) {
  Deno.test(`vmwright ${args.join(" ")} tells once of each name that a machine takes`, async () => {
    using directory = temporaryDirectory(files);
    const { code, stdout, stderr } = await vmwright(
      [...args, "--no-html", ...machines],
      { cwd: directory.path },
    );
    assertEquals(code, 0, stderr);
    if (said !== undefined) assertEquals(stdout, said);
    assertEquals(
      (stdout + stderr).match(/^.*in the script, .* is the machine\b.*$/gm),
      [
        ...warnings,
      ],
    );
  });
}
