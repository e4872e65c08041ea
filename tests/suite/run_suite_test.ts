import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { readHistory } from "../../src/suite/history.ts";
import { Heard } from "../heard.ts";
import { SuiteFolder } from "./stand_ins.ts";

Deno.test("a suite reports the result of each test, and keeps all of their files", async () => {
  using suite = new SuiteFolder({
    passes: { script: "passes.ts" },
    python: { script: "passes.py" },
    fails: { script: "fails.ts", retries: 1 },
    flaky: {
      script: "flaky.ts",
      retries: 2,
      env: { FLAG: "f${n}" },
      matrix: { n: [1] },
    },
    hangs: { script: "hangs.ts", timeout: 1 },
    // Time enough to begin.
    blocks: { script: "blocks.ts", timeout: 5 },
    crashes: { script: "crashes.ts" },
    misused: { script: "passes.ts", options: ["--capture", "sometimes"] },
    large: { script: "passes.ts", memory: "1000T" },
    later: { script: "passes.ts", skip: "not ready" },
  });
  // Settings of the suite's own process are none of its tests'.
  const { code, stdout, stderr } = await suite.run(["--workers", "4"], {
    env: { testScript: "gone.ts", vlans: "x", LOGFILE: "/gone/log" },
  });
  assertEquals([code, stdout], [1, ""], stderr);
  assertEquals(suite.verdicts(), {
    passes: "passed",
    python: "passed",
    fails: "failed",
    "flaky[n=1]": "flaky",
    hangs: "timeout",
    blocks: "timeout",
    crashes: "crashed",
    misused: "failed",
    large: "failed",
    later: "skipped",
  });
  const results = suite.results();
  const of = (name: string) =>
    results.tests.find((test) => test.name === name)!;
  assertEquals(of("fails").attempts.map(({ verdict }) => verdict), [
    "failed",
    "failed",
  ]);
  assertStringIncludes(of("fails").attempts[1].reason!, "Error: no way");
  assertEquals(of("flaky[n=1]").attempts.map(({ verdict }) => verdict), [
    "failed",
    "passed",
  ]);
  assertEquals(of("crashes").attempts[0].signal, "SIGKILL");
  assertStringIncludes(
    of("misused").attempts[0].reason!,
    "--capture expects always or failed",
  );
  assertMatch(
    of("large").reason!,
    /^it needs 1024000 GiB of memory, and the host has [\d.]+ [GM]iB for tests$/,
  );
  assertEquals([of("large").attempts, of("later").reason], [[], "not ready"]);
  assertMatch(
    of("blocks").attempts[0].reason!,
    /^its script blocked the process until the timeout\n/,
  );
  for (const { attempts } of results.tests) {
    for (const { directory, verdict } of attempts) {
      const files = [...Deno.readDirSync(
        `${suite.path}/vmwright-results/${directory}`,
      )].map(({ name }) => name);
      assert(files.includes("output.txt"));
      if (verdict !== "passed" && verdict !== "failed") continue;
      if (directory!.includes("misused")) continue;
      for (const file of ["report.html", "junit.xml", "events.jsonl"]) {
        assert(files.includes(file), `${directory} has ${files}`);
      }
    }
  }
  const history = readHistory(`${suite.path}/vmwright-results/history`);
  assertEquals(
    [...history].map(([name, [{ verdict, attempts }]]) =>
      `${name} ${verdict} ${attempts}`
    ).sort(),
    [
      "blocks timeout 1",
      "crashes crashed 1",
      "fails failed 2",
      "flaky[n=1] flaky 2",
      "hangs timeout 1",
      "misused failed 1",
      "passes passed 1",
      "python passed 1",
    ],
  );
  const junit = suite.read("vmwright-results/junit.xml");
  assertStringIncludes(junit, `tests="10" failures="5" errors="1"`);
  assertStringIncludes(junit, "<flakyFailure message=");
  assertStringIncludes(suite.read("vmwright-results/report.html"), "<html");
  // Lines for people, as there is no terminal.
  assertMatch(stderr, /^passed +passes \(\d+\.\d s\) \[\d+\/10\]$/m);
  assertMatch(
    stderr,
    /^failed +fails \(\d+\.\d s, 2 attempts\) \[\d+\/10\]: Error: no way\n +vmwright-results\/tests\/fails\/2\/report\.html$/m,
  );
  assertStringIncludes(stderr, "what took longest:\n");
  assertMatch(
    stderr,
    /^10 tests: 3 failed, 2 timeout, 1 crashed, 1 flaky, 1 skipped, 2 passed in /m,
  );
  assert(!stderr.includes("\x1b"), "no colours where there is no terminal");
  await suite.assertNothingLeft();

  // The flag is there now, and the last results are still.
  const last = await suite.run(["--last-failed", "--list"]);
  assertEquals(
    last.stdout.split("\n").map((line) => line.split(" ")[0]),
    ["fails", "hangs", "blocks", "crashes", "misused", "large", ""],
  );
  const again = await suite.run(["fl*", "passes", "--fail-on-flaky"]);
  assertEquals(again.code, 0, again.stderr);
  assertEquals(suite.verdicts(), { passes: "passed", "flaky[n=1]": "passed" });
  assertEquals(
    [...Deno.readDirSync(`${suite.path}/vmwright-results/tests`)].map((one) =>
      one.name
    ).sort(),
    ["flaky[n=1]", "passes"],
    "nothing of the earlier suite is left",
  );
});

Deno.test("a flaky test is a failure if an option says so, and GitHub shows it", async () => {
  using suite = new SuiteFolder({
    flaky: { script: "flaky.ts", env: { FLAG: "f" } },
  });
  const { code } = await suite.run(["--fail-on-flaky", "--retries", "1"], {
    env: {
      GITHUB_ACTIONS: "true",
      GITHUB_STEP_SUMMARY: `${suite.path}/summary`,
    },
  });
  assertEquals([code, suite.verdicts()], [1, { flaky: "flaky" }]);
  // One of the suite, and none of each attempt.
  assertEquals(suite.read("summary").match(/^###? /gm)?.length, 1);
});

Deno.test("a test whose directory can't be made is told of, and the others run", async () => {
  using suite = new SuiteFolder({
    a: { script: "passes.ts" },
    b: { script: "passes.ts" },
  }, { "out/tests/a": "a file" });
  const { code, stderr } = await suite.run(["-o", "out"]);
  assertEquals(code, 1, stderr);
  const [a, b] = suite.results("out").tests;
  assertEquals([a.verdict, b.verdict], ["crashed", "passed"]);
  assertMatch(a.attempts[0].reason!, /^it could not begin: .*out\/tests\/a/);
});

Deno.test("no text of a guest is a command of GitHub's", async () => {
  using suite = new SuiteFolder({ a: { script: "quotes.ts" } }, {
    "quotes.ts": `throw new Error("said:\\n::stop-commands::x\\n##[group]y");`,
  });
  const { stderr } = await suite.run([], { env: { GITHUB_ACTIONS: "true" } });
  assertMatch(stderr, /stop-commands[^]*group/);
  const commands = stderr.split("\n").filter((line) =>
    /^\s*::|##\[/.test(line)
  );
  assertEquals(commands, []);
});

Deno.test("tests are repeated, and none begins after too many failures", async () => {
  using suite = new SuiteFolder({
    fails: { script: "fails.ts" },
    passes: { script: "passes.ts" },
  });
  const { code, stderr } = await suite.run([
    ...["--repeat", "2", "--max-failures", "1", "--workers", "1"],
    ...["-o", "out", "--history", "past", "--memory", "1G"],
  ]);
  assertEquals(code, 1);
  assertEquals(
    suite.results("out").tests.map((
      { name, repetition, verdict, reason },
    ) => [name, repetition, verdict, reason]),
    [
      ["fails", 1, "failed", undefined],
      ...[["fails", 2], ["passes", 1], ["passes", 2]].map((test) => [
        ...test,
        "unfinished",
        "no more tests begin after 1 that did not pass",
      ]),
    ],
    stderr,
  );
  assertEquals(suite.read("past").trim().split("\n").length, 1);
  // What the suite has, less what the test takes without forks.
  assertStringIncludes(
    suite.read("out/tests/fails #1/1/events.jsonl"),
    `"--fork-memory","640"`,
  );
  assertEquals(
    [...Deno.readDirSync(`${suite.path}/out/tests`)].map(({ name }) => name),
    ["fails #1"],
  );
});

Deno.test("a suite used wrongly starts nothing", async () => {
  using suite = new SuiteFolder({
    web: { script: "passes.ts" },
    gone: { script: "gone.ts", tags: ["gone"] },
  }, {
    "other/suite.json": "{}",
    "taken/suite.json": "{}",
    "config.json": `{ "vms": {}, "test_script": "passes.ts" }`,
    "empty/nothing": "",
  });
  const cases: [string[], string][] = [
    [["wob"], `no test of the suite is named "wob"; did you mean web?`],
    [["--workers", "0"], `--workers expects a whole number from 1 up, got "0"`],
    [
      ["--memory", "x"],
      `--memory expects an amount such as 8G or 512M, got "x"`,
    ],
    [
      ["--shard", "3/2"],
      `--shard expects I/N, the part I from 1 to N, got "3/2"`,
    ],
    [
      ["--vlans", "1"],
      `--vlans is an option of a single test; a suite has it in "options" of a test or of the defaults`,
    ],
    [
      ["other/suite.json"],
      "other/suite.json: $.tests must be an object of tests, got nothing",
    ],
    [["none.json"], `suite "none.json" does not exist`],
    [
      ["--tag", "gone"],
      `the test gone needs ${suite.path}/gone.ts, which does not exist`,
    ],
    [
      ["web", "--last-failed"],
      `there are no results of a suite in ${suite.path}/vmwright-results`,
    ],
    [
      ["web", "--history", "gone/history", "-o", "new"],
      `Expected a file for the history of the suite at ${suite.path}/gone/history: No such file or directory (os error 2): open '${suite.path}/gone/history'`,
    ],
    [
      ["web", "-o", "taken"],
      `Expected ${suite.path}/taken/suite.json to have the format vmwright-suite of version 1, got "{}"; name another directory with -o`,
    ],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await suite.run(args);
    assertEquals([code, stderr], [2, `vmwright: ${message}\n`], args.join(" "));
  }
  await suite.assertNothingLeft();
  assertEquals(suite.read("taken/suite.json"), "{}");
});

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`${signal} ends all tests of a suite, and leaves their reports and nothing else`, async () => {
    using suite = new SuiteFolder({
      one: { script: "waits.ts", env: { NAME: "one" } },
      two: { script: "waits.ts", env: { NAME: "two" } },
      never: { script: "passes.ts" },
    });
    const runner = suite.begin(["--workers", "2"]);
    await Promise.all([suite.waiting("one"), suite.waiting("two")]);
    runner.kill(signal);
    const { code: got } = await runner.output();
    assertEquals(got, code);
    assertEquals(suite.verdicts(), {
      one: "unfinished",
      two: "unfinished",
      never: "unfinished",
    });
    assertStringIncludes(suite.read("vmwright-results/report.html"), "<html");
    assertEquals(readHistory(`${suite.path}/vmwright-results/history`).size, 0);
    await suite.assertNothingLeft();
  });
}

Deno.test("two suites run side by side, but not into the same directory", async () => {
  using suite = new SuiteFolder({
    waits: { script: "waits.ts", env: { NAME: "waits" } },
    passes: { script: "passes.ts" },
  });
  const first = suite.begin(["waits"]);
  const pid = await suite.waiting("waits");
  const { code, stderr } = await suite.run(["passes"]);
  assertEquals(
    [code, stderr],
    [
      2,
      `vmwright: another suite writes its results to ${suite.path}/vmwright-results; name another directory with -o\n`,
    ],
  );
  const other = await suite.run(["passes", "-o", "other"]);
  assertEquals(other.code, 0, other.stderr);
  Deno.kill(pid, "SIGKILL");
  assertEquals((await first.output()).code, 1);
  assertEquals(suite.verdicts(), { waits: "crashed" });
  await suite.assertNothingLeft();
});

Deno.test("configuration files of the NixOS test framework run without a suite, also in shards", async () => {
  const config = (script: string) =>
    JSON.stringify({ vms: {}, vlans: [], test_script: script });
  using suite = new SuiteFolder({}, {
    "a.json": config("passes.py"),
    "b.json": config("passes.py"),
  });
  const { code, stderr } = await suite.run(["a.json", "b.json"]);
  assertEquals(code, 0, stderr);
  assertEquals(suite.verdicts(), { a: "passed", b: "passed" });

  const shard = async (part: string, ...args: string[]) => {
    const files = ["a.json", "b.json", "--shard", part];
    const { stdout } = await suite.run([...files, ...args]);
    return stdout.split("\n").map((line) => line.split(" ")[0]);
  };
  const parts = [await shard("1/2", "--list"), await shard("2/2", "--list")];
  assertEquals(parts.flat().filter((name) => name !== "").sort(), ["a", "b"]);
  assertEquals(parts.map(({ length }) => length), [2, 2]);
  const empty = await shard("3/3", "-o", "part");
  const { tests, planned, shard: third } = suite.results("part");
  assertEquals([empty, tests, planned, third], [
    [""],
    [],
    ["a", "b"],
    { index: 3, count: 3 },
  ]);
});

Deno.test("a watched suite runs again what a change touches", async () => {
  using suite = new SuiteFolder({
    one: { script: "one.ts" },
    two: { script: "two.ts" },
  }, {
    "one.ts": `import { word } from "./word.ts"; console.log(word);`,
    "word.ts": `export const word = "first";`,
    "two.ts": "",
  });
  const runner = suite.begin(["--watch"]);
  const log = new Heard(runner.stderr);
  const waits = () => log.said("waiting for a change");
  await waits();
  assertEquals(suite.verdicts(), { one: "passed", two: "passed" });
  Deno.writeTextFileSync(
    `${suite.path}/word.ts`,
    `export const word = "second"; throw new Error("wrong");`,
  );
  await waits();
  assertEquals(suite.verdicts(), { one: "failed" });
  // Somebody saves a suite that is not valid, and then one with another test.
  const file = `${suite.path}/vmwright.suite.json`;
  Deno.writeTextFileSync(file, `{ "tests": 1 }`);
  await waits();
  assertStringIncludes(log.text, "$.tests must be an object of tests, got 1");
  Deno.writeTextFileSync(
    file,
    `{ "tests": { "three": { "script": "two.ts", "options": ["--no-check"] } } }`,
  );
  await waits();
  assertEquals(suite.verdicts(), { three: "passed" });
  runner.kill("SIGINT");
  assertEquals((await runner.status).code, 130);
  await log.whole;
  await runner.stdout.cancel();
  await suite.assertNothingLeft();
});

Deno.test("a program runs a suite by the library", async () => {
  const mod = new URL("../../mod.ts", import.meta.url).href;
  using suite = new SuiteFolder({}, {
    "program.ts": `import { runSuite, UsageError } from "${mod}";
await runSuite({ suite: { tests: {} } }).catch((error) => {
  console.log(error instanceof UsageError, error.message);
});
const { exitCode, tests } = await runSuite({
  suite: {
    defaults: { options: ["--no-check"] },
    tests: {
      passes: { script: "passes.ts" },
      fails: { script: "fails.ts" },
    },
  },
  outDir: "out",
  workers: 2,
});
console.log(exitCode, JSON.stringify(tests.map((test) => ({
  ...test,
  duration: test.duration > 0,
}))));
`,
  });
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "program.ts"],
    cwd: suite.path,
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals([code, text(stdout)], [
    0,
    `true the suite has no tests
1 [{"name":"passes","verdict":"passed","duration":true},{"name":"fails","verdict":"failed","duration":true,"reason":"fails.ts:1:7\\n> 1 | throw new Error(\\"no way\\");\\n    |       ^\\nError: no way"}]
`,
  ], text(stderr));
  assertEquals(suite.verdicts("out"), { passes: "passed", fails: "failed" });
});

// They wait for a minute.
if (Deno.env.get("VMWRIGHT_LONG")) {
  Deno.test("a test whose process does not end itself is killed", async (t) => {
    const tests = { stops: { script: "stops.ts", timeout: 1 } };
    await t.step("by its time limit", async () => {
      using suite = new SuiteFolder(tests);
      const { code, stderr } = await suite.run();
      assertEquals([code, suite.verdicts()], [1, { stops: "timeout" }], stderr);
      assertStringIncludes(
        stderr,
        "it did not end within 1 seconds, nor by itself within 30 more",
      );
      await suite.assertNothingLeft();
    });
    const took: number[] = [];
    for (const times of [1, 2]) {
      await t.step(`by Ctrl-C, ${times} times`, async () => {
        using suite = new SuiteFolder(tests);
        const runner = suite.begin([]);
        const output = runner.output();
        await suite.waiting("stops");
        const began = performance.now();
        runner.kill("SIGINT");
        if (times === 2) {
          // Signals that come together count as one.
          await new Promise((resolve) => setTimeout(resolve, 500));
          runner.kill("SIGINT");
        }
        assertEquals((await output).code, 130);
        took.push(performance.now() - began);
        await suite.assertNothingLeft();
      });
    }
    assert(took[1] < took[0], `${took} ms`);
  });
}
