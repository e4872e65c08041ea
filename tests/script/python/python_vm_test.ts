import { Driver } from "../../../mod.ts";
import { Script } from "../../../src/script/mod.ts";
import { runPython } from "../../../src/script/python/mod.ts";
import { tracebackOf } from "../../../src/script/traceback.ts";
import { guest } from "../../guests/mod.ts";
import { Recorder } from "./recorder.ts";

/** Scripts that share one machine, the one that ends it last. */
const scripts = [
  "commands",
  "steps",
  "waits",
  "files",
  "threads",
  "qemu",
  "life",
];

Deno.test("Python scripts in the forms of NixOS tests run on tiny", async (t) => {
  const { startScriptFor } = await guest("tiny");
  const outDir = await Deno.makeTempDir();
  const { log } = new Recorder();
  await using driver = await Driver.create({
    machines: [startScriptFor("machine")],
    vlans: [1],
    outDir,
    log,
  });
  for (const name of scripts) {
    await t.step(name, async () => {
      const path = new URL(`../../python/tiny/${name}.py`, import.meta.url)
        .pathname;
      try {
        const script = new Script({ path, language: "python" });
        await runPython(script, driver.bindings());
      } catch (error) {
        throw new Error(tracebackOf(error) ?? String(error), { cause: error });
      }
    });
  }
  await Deno.remove(outDir, { recursive: true });
});
