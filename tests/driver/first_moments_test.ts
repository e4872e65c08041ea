/**
 * A run that is killed in its first moments leaves nothing, though its script
 * never lets go of the driver's thread.
 */
import { assertEquals } from "@std/assert";
import { gone, processesWith } from "../backend/processes.ts";

const CLI = new URL("../../cli.ts", import.meta.url).pathname;
const RUNS = 30;
/** Milliseconds after which the last of them is killed. */
const LAST = 1500;
const AT_ONCE = 3;

/** A run in a place of its own, killed after so many milliseconds. */
async function killedAfter(ms: number): Promise<void> {
  const place = await Deno.makeTempDir();
  const privatePlace = `${place}/private`;
  await Deno.mkdir(privatePlace);
  await Deno.mkdir(`${place}/out`);
  await Deno.writeTextFile(`${place}/test.ts`, "for (;;) {}");
  await Deno.writeTextFile(`${place}/run-x-vm`, "#!/bin/sh\n", { mode: 0o755 });
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", CLI, "--vlans", "1"],
      ...["--start-scripts", `${place}/run-x-vm`, "-o", `${place}/out`],
      `${place}/test.ts`,
    ],
    env: { XDG_RUNTIME_DIR: privatePlace, TMPDIR: privatePlace },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await new Promise((resolve) => setTimeout(resolve, ms));
  child.kill("SIGKILL");
  await child.status;
  await gone(() => processesWith(place).length > 0);
  await gone(() => [...Deno.readDirSync(privatePlace)].length > 0)
    .catch(() => {});
  assertEquals([...Deno.readDirSync(privatePlace)], [], `after ${ms} ms`);
  await Deno.remove(place, { recursive: true });
}

Deno.test("runs that are killed in their first moments leave nothing", async () => {
  const moments = Array.from({ length: RUNS }, (_, n) => n * LAST / (RUNS - 1));
  const work = async () => {
    for (let ms; (ms = moments.shift()) !== undefined;) await killedAfter(ms);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
});
