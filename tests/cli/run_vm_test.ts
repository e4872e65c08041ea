import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { toText } from "@std/streams";
import { gone, processesWith } from "../backend/processes.ts";
import { guest } from "../guests/mod.ts";
import { Heard } from "../heard.ts";
import { temporaryDirectory, vmwright, vmwrightCommand } from "./vmwright.ts";

const tiny = await guest("tiny");

/** A directory with a script, and what a run in it needs. */
function prepared(script: string, files: Record<string, string> = {}) {
  const directory = temporaryDirectory({
    "test.ts": script,
    "out/x": "",
    "state/x": "",
    ...files,
  });
  const { path } = directory;
  Deno.removeSync(`${path}/state/x`);
  const options = { cwd: path, env: { XDG_RUNTIME_DIR: `${path}/state` } };
  const machine = (name = "tiny") => [
    ...["--start-scripts", tiny.startScriptFor(name)],
    ...["--output-dir", "out", "--junit-xml", "junit.xml"],
  ];
  return {
    path,
    options,
    machine,
    out: (name: string) => Deno.readTextFileSync(`${path}/out/${name}`),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

/**
 * What comes true after every run, however it ended: of one that ended at once,
 * the guard ends the rest a moment later.
 */
async function assertNothingLeft(path: string): Promise<void> {
  const state = `${path}/state`;
  await gone(() => processesWith(state).length > 0);
  await gone(() => [...Deno.readDirSync(state)].length > 0);
}

Deno.test("a run that passes exits with 0 and leaves reports and logs", async () => {
  using run = prepared(
    `
    import { greeting } from "./greeting.ts";
    const log = "shadowed";
    assertEquals(await machine.succeed(\`echo \${greeting}\`), "hello\\n");
    await subtest("files", async () => {
      await tiny.succeed("echo x > /tmp/x");
      await tiny.wait_for_file("/tmp/x", { timeout: 60 });
    });
    await subtest("status", async () => {
      const [status, output] = await machine.execute("echo y; exit 3");
      assertEquals([status, output], [3, "y\\n"]);
    });
    console.log(log, machines.length, machines[0] === machine, tiny instanceof Machine);`,
    {
      "greeting.ts": `export const greeting: string = "hello";`,
    },
  );
  const { code, stdout, stderr } = await vmwright(
    [...run.machine(), "--", "test.ts"],
    run.options,
  );
  assertEquals(code, 0, stderr);
  assertEquals(stdout, "shadowed 1 true true\n");
  assertMatch(stderr, /^tiny # .*Linux version/m);
  assertMatch(stderr, /^test passed in \d+\.\d\d seconds$/m);
  assertMatch(run.out("junit.xml"), /<testcase name="files"/);
  assertMatch(run.out("junit.xml"), /<testcase name="status"/);
  assertStringIncludes(run.out("report.html"), "status");
  assertStringIncludes(run.out("tiny.log"), "Linux version");
  await assertNothingLeft(run.path);
});

Deno.test("all settings may come from the environment", async () => {
  using run = prepared("", {
    "script": "await driver.machines[0].succeed('true'); console.log('ran');",
  });
  const { code, stdout, stderr } = await vmwright(
    ["--language", "typescript", "--no-check", "-o", "out"],
    {
      ...run.options,
      env: {
        ...run.options.env,
        startScripts: tiny.startScriptFor("web-1"),
        testScript: "script",
        LOGFILE: `${run.path}/out/log.xml`,
      },
    },
  );
  assertEquals([code, stdout], [0, "ran\n"], stderr);
  assertMatch(
    run.out("log.xml"),
    /<logfile>[^]*must succeed: true[^]*<\/logfile>\n?$/,
  );
});

Deno.test("all settings may come from a configuration file", async () => {
  using run = prepared("await alpha.succeed('true'); vlan4;");
  const config = {
    vms: { a: { name: "alpha", start_script: tiny.startScriptFor("b") } },
    vlans: [4],
    global_timeout: 600,
    test_script: "test.ts",
  };
  Deno.writeTextFileSync(`${run.path}/c.json`, JSON.stringify(config));
  const { code, stderr } = await vmwright(
    ["--config", "c.json", "--no-check", "-o", "out"],
    run.options,
  );
  assertEquals(code, 0, stderr);
  await assertNothingLeft(run.path);
});

Deno.test("a failed command shows the script's line, the step and where to look, and exits with 1", async () => {
  using run = prepared(
    `import { check } from "./check.ts";

await machine.start();
await subtest("one", async () => {
  await check();
});
`,
    {
      "check.ts": `export async function check(): Promise<void> {
  await machine.succeed("echo some output; exit 7");
}
`,
    },
  );
  const { code, stderr } = await vmwright(
    [...run.machine(), "--no-check", "--", "test.ts"],
    run.options,
  );
  assertEquals(code, 1, stderr);
  const explanation = stderr.split("\n").filter((line) =>
    line.startsWith("!!!")
  )
    .join("\n");
  assertStringIncludes(
    explanation,
    `!!! check.ts:2:3
!!!   1 | export async function check(): Promise<void> {
!!! > 2 |   await machine.succeed("echo some output; exit 7");
!!!     |   ^
!!!   3 | }
!!! test.ts:5:3
!!!   3 | await machine.start();
!!!   4 | await subtest("one", async () => {
!!! > 5 |   await check();
!!!     |   ^
!!!   6 | });
!!! TestFailure: command \`echo some output; exit 7\` failed (exit code 7)`,
  );
  assertMatch(
    explanation,
    /!!! while: tiny: must succeed: echo some output; exit 7 \(failed after/,
  );
  assertMatch(explanation, /!!! while: subtest one \(failed after/);
  assertStringIncludes(
    explanation,
    `!!! artifacts: ${run.path}/out/report.html`,
  );
  for (const report of ["junit.xml", "report.html"]) {
    assertStringIncludes(run.out(report), "check.ts:2:3");
  }
  await assertNothingLeft(run.path);
});

Deno.test("a misspelt method ends the run while the machine boots", async () => {
  using run = prepared(
    "await machine.succeed('while :; do sleep 1; done');\nawait machine.sucked('true');",
  );
  const { code, stderr } = await vmwright(
    [...run.machine(), "--", "test.ts"],
    run.options,
  );
  assertEquals(code, 1);
  assertStringIncludes(stderr, "!!! test.ts:2:15: Property 'sucked' does not");
  await assertNothingLeft(run.path);
});

Deno.test("the global timeout exits with 124 and tells what the script waited for", async () => {
  using run = prepared(
    "await machine.waitForFile('/never');",
  );
  const { code, stderr } = await vmwright(
    [...run.machine(), "--global-timeout", "20", "--no-check", "--", "test.ts"],
    run.options,
  );
  assertEquals(code, 124, stderr);
  assertMatch(stderr, /!!! GlobalTimeout: .* 20 seconds$/m);
  assertMatch(
    stderr,
    /!!! while: tiny: waiting for .* \((since|failed after) \d/,
  );
  assertMatch(run.out("junit.xml"), /<\/testsuites>\s*$/);
  await assertNothingLeft(run.path);
});

Deno.test("a wait for console text that times out shows the script's line", async () => {
  using run = prepared(
    "await machine.start();\nawait machine.waitForConsoleText(/never/, { timeout: 0.1 });",
  );
  const { code, stderr } = await vmwright(
    [...run.machine(), "--no-check", "--", "test.ts"],
    run.options,
  );
  assertEquals(code, 1, stderr);
  assertStringIncludes(stderr, "!!! test.ts:2:1\n");
  assertStringIncludes(stderr, "did not say /never/ within 0.1 seconds");
});

const signals: [Deno.Signal[], number][] = [
  [["SIGINT"], 130],
  [["SIGTERM"], 143],
  [["SIGINT", "SIGINT"], 130],
];
for (const [sent, expected] of signals) {
  Deno.test(`${sent.join(" and ")} ends a run with ${expected}, all machines gone`, async () => {
    using run = prepared(
      "await machine.succeed('true'); console.log('up'); await machine.sleep(1000);",
    );
    const child = vmwrightCommand(
      [...run.machine(), "--no-check", "--", "test.ts"],
      run.options,
    ).spawn();
    const stderr = toText(child.stderr);
    const reader = child.stdout.getReader();
    assertEquals(new TextDecoder().decode((await reader.read()).value), "up\n");
    for (const signal of sent) child.kill(signal);
    assertEquals((await child.status).code, expected, await stderr);
    await reader.cancel();
    assert(run.out("junit.xml").trimEnd().endsWith("</testsuites>"));
    await assertNothingLeft(run.path);
  });
}

Deno.test("a machine with the name of a global of JavaScript's is found in machines", async () => {
  using run = prepared(
    "await machines[0].succeed('true'); console.log(machines[0].name);",
  );
  const { code, stdout, stderr } = await vmwright(
    [...run.machine("console"), "--", "test.ts"],
    run.options,
  );
  assertEquals([code, stdout], [0, "console\n"], stderr);
  assertStringIncludes(
    stderr,
    "in the script, console is JavaScript's own; the machine of that name",
  );
});

Deno.test("a machine whose name is a reserved word is found in machines, and the script is checked", async () => {
  using run = prepared(
    "await machines[0].succeed('while :; do sleep 1; done');\nmachine.sucked;",
  );
  const { code, stderr } = await vmwright(
    [...run.machine("default"), "--", "test.ts"],
    run.options,
  );
  assertEquals(code, 1, stderr);
  assertStringIncludes(stderr, `"default" is a reserved word of JavaScript`);
  assertStringIncludes(stderr, "!!! test.ts:2:9: Property 'sucked' does not");
  await assertNothingLeft(run.path);
});

Deno.test("--watch runs a changed script again, --keep-machines on the same machine", async () => {
  using run = prepared(
    "console.log(1, await machine.succeed('echo a >> /n; wc -l < /n'));",
  );
  const child = vmwrightCommand([
    ...run.machine(),
    ...["--watch", "--keep-machines", "--no-check", "--", "test.ts"],
  ], run.options).spawn();
  const stdout = new Heard(child.stdout), stderr = new Heard(child.stderr);
  await stdout.said("1 1\n");
  Deno.writeTextFileSync(
    `${run.path}/test.ts`,
    "console.log(2, await machine.succeed('echo a >> /n; wc -l < /n'));",
  );
  await stdout.said("2 2\n");
  child.kill("SIGINT");
  assertEquals((await child.status).code, 130);
  await Promise.all([stdout.whole, stderr.whole]);
  await assertNothingLeft(run.path);
});

Deno.test("if eval fails, there are pictures of all screens, even of machines made by hand", async () => {
  using run = prepared("");
  const start = JSON.stringify(tiny.startScriptFor("a"));
  const { code, stderr } = await vmwright([
    ...["eval", "-o", "out", "--"],
    `const driver = await Driver.create({ machines: [${start}] });
    const other = driver.createMachine(${start}, { name: "other" });
    await Promise.all([driver.startAll(), other.start()]);
    throw new Error("boom");`,
  ], run.options);
  assertEquals(code, 1, stderr);
  for (const name of ["a", "other"]) {
    const png = Deno.readFileSync(`${run.path}/out/${name}-failed.png`);
    assertEquals(new TextDecoder("latin1").decode(png.slice(1, 4)), "PNG");
  }
  await assertNothingLeft(run.path);
});
