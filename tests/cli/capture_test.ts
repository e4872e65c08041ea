import { assertEquals } from "@std/assert";
import { blocksOf } from "../machine/links/read_pcapng.ts";
import { temporaryDirectory, vmwright } from "./vmwright.ts";

/** Runs a script without a machine; answers the captures that the run leaves. */
async function captures(script: string, when: string): Promise<string[]> {
  using directory = temporaryDirectory({
    "run-web-vm": "#!/bin/sh\n",
    "test.ts": script,
    "out/x": "",
  });
  const { path } = directory;
  const { code, stderr } = await vmwright([
    ...["--start-scripts", `${path}/run-web-vm`, "--vlans", "1", "2"],
    ...["--no-check", "-o", `${path}/out`, `--capture=${when}`],
    ...["--", `${path}/test.ts`],
  ]);
  assertEquals(code, script === "" ? 0 : 1, stderr);
  const names = [...Deno.readDirSync(`${path}/out`)].map(({ name }) => name)
    .filter((name) => name.endsWith(".pcapng"));
  for (const name of names) {
    blocksOf(Deno.readFileSync(`${path}/out/${name}`));
  }
  return names.toSorted();
}

const BOTH = ["vlan1.pcapng", "vlan2.pcapng"];
const FAILS = "throw new Error('on purpose')";

Deno.test("--capture keeps the frames of every network, or of runs that fail", async () => {
  assertEquals(await captures("", "always"), BOTH);
  assertEquals(await captures("", "failed"), []);
  assertEquals(await captures(FAILS, "failed"), BOTH);
});
