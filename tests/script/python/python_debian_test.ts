import { assertEquals } from "@std/assert";
import { Driver, JunitListener } from "../../../mod.ts";
import { runScript, Script } from "../../../src/script/mod.ts";
import { tracebackOf } from "../../../src/script/traceback.ts";
import { onDebian } from "../../python/scripts.ts";
import { guest } from "../../guests/mod.ts";
import { Recorder } from "./recorder.ts";

const here = new URL("../../python/debian/", import.meta.url).pathname;

async function run(driver: Driver, name: string): Promise<void> {
  const language = name.endsWith(".py") ? "python" : "typescript";
  try {
    const script = new Script({ path: here + name, language });
    await runScript(script, { driver, context: driver.bindings() });
  } catch (error) {
    throw new Error(tracebackOf(error) ?? String(error), { cause: error });
  }
}

/** What a run of one script tells, with what differs from run to run left out. */
interface Told {
  outline: string[];
  verdict: string;
  junit: string;
}

/** Runs a test script as the program does. */
async function tell(name: string, startScript: string): Promise<Told> {
  const outDir = await Deno.makeTempDir();
  const recorder = new Recorder();
  const junit = `${outDir}/junit.xml`;
  recorder.log.addListener(new JunitListener(junit));
  {
    await using driver = await Driver.create({
      machines: [startScript],
      outDir,
      log: recorder.log,
      testScript: (driver) => run(driver, name),
    });
    await driver.runTests();
  }
  recorder.log.runEnded("passed");
  await recorder.log.close();
  const ended = recorder.events.find((event) => event.type === "runEnded");
  const same = (text: string) => text.replaceAll(outDir, "OUT");
  const told = {
    outline: recorder.outline().map(same).map((line) =>
      line.replace(/\(pid \d+\)/, "(pid)").replace(/[\d.]+ seconds/, "seconds")
    ),
    verdict: ended?.type === "runEnded" ? ended.verdict : "none",
    // Cases and their order; the times are what they are, and the console too.
    junit: [...(await Deno.readTextFile(junit)).matchAll(
      /<(testcase|failure|error|skipped)\b[^>]*?(?: name="([^"]*)")?[^>]*>/g,
    )].map(([, kind, name]) => `${kind} ${name}`).join("\n"),
  };
  await Deno.remove(outDir, { recursive: true });
  return told;
}

Deno.test("Python scripts in the forms of NixOS tests run on debian", async (t) => {
  const { startScriptFor } = await guest("debian");
  const outDir = await Deno.makeTempDir();
  const { log } = new Recorder();
  await using driver = await Driver.create({
    machines: [startScriptFor("machine")],
    outDir,
    log,
  });
  for (const name of onDebian) {
    await t.step(name, () => run(driver, name));
  }
  await Deno.remove(outDir, { recursive: true });
});

Deno.test("a test tells the same in Python and in TypeScript", async () => {
  const { startScriptFor } = await guest("debian");
  const startScript = startScriptFor("machine");
  const python = await tell("ten_steps.py", startScript);
  const typescript = await tell("ten_steps.ts", startScript);
  assertEquals(python, typescript);
  assertEquals(python.verdict, "passed");
  assertEquals(
    python.outline.filter((line) => /must succeed|must fail|waiting/.test(line))
      .length > 10,
    true,
  );
});
