import { assert, assertEquals } from "@std/assert";
import { guest } from "../guests/mod.ts";
import { SuiteFolder } from "./stand_ins.ts";

Deno.test("a suite runs machines within its memory, and ends those of a test that is killed", async () => {
  const { startScript } = await guest("tiny");
  const machine = { startScripts: [startScript] };
  using suite = new SuiteFolder({
    boots: { ...machine, script: "boots.py" },
    dies: { ...machine, script: "dies.ts", env: { NAME: "dies" } },
  }, {
    "boots.py": `machine.succeed("true")`,
    "dies.ts": `await machine.succeed("true");
Deno.writeTextFileSync("dies.new", String(Deno.pid));
Deno.renameSync("dies.new", "dies.pid");
await machine.waitForConsoleText("what no guest says");`,
  });
  // Each takes 256 MiB for its guest, beside the hypervisor and the driver: two
  // at a time would be more.
  const runner = suite.begin(["--memory", "720M", "--workers", "2"]);
  const output = runner.output();
  Deno.kill(await suite.waiting("dies"), "SIGKILL");
  const { code, stderr } = await output;
  const said = new TextDecoder().decode(stderr);
  assertEquals(code, 1, said);
  assertEquals(
    suite.verdicts(),
    { boots: "passed", dies: "crashed" },
    said,
  );
  const { tests, budget } = suite.results();
  const spans = tests.map(({ attempts: [{ date, duration }] }) =>
    [date, date + duration * 1000] as const
  ).sort(([a], [b]) => a - b);
  // Side by side, they would overlap by a boot; the clocks that tell the time
  // and a duration are read one after the other.
  assert(spans[0][1] <= spans[1][0] + 1000, `one at a time: ${spans}`);
  const seen = tests[0].attempts[0].memory!;
  assert(seen > 64 * 2 ** 20 && seen < budget.memory, `${seen} bytes`);
  assert(budget.peak >= seen && budget.peak < budget.memory);
  await suite.assertNothingLeft();
});
