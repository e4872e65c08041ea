/** `runTest()` in programs of its users, each a process of its own. */
import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { toText } from "@std/streams";
import { runTest, UsageError } from "../../mod.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";

const mod = new URL("../../mod.ts", import.meta.url).href;

/** The program `main.ts` with these options of runTest(), as it would be started. */
function program(directory: string, options: string): Deno.ChildProcess {
  Deno.writeTextFileSync(
    `${directory}/main.ts`,
    `import { Driver, runTest, Log } from ${JSON.stringify(mod)};
const { verdict, exitCode, error } = await runTest({
  outDir: "out",
  junitXml: "junit.xml",
  ${options}
});
console.log("told:", verdict, exitCode, String(error));
Deno.exit(0);
`,
  );
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "-A", "main.ts"],
    cwd: directory,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** What a program prints, and what it leaves. */
async function ended(directory: string, child: Deno.ChildProcess) {
  const { stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const read = (name: string) =>
    Deno.readTextFileSync(`${directory}/out/${name}`);
  const junit = read("junit.xml");
  return {
    told: /^told: (.*)$/m.exec(text(stdout))?.[1],
    stdout: text(stdout),
    stderr: text(stderr),
    junit,
    failures: /failures="(\d+)"/.exec(junit)?.[1],
    title: /<title>(.*)<\/title>/.exec(read("report.html"))?.[1],
  };
}

async function ran(options: string, files: Record<string, string> = {}) {
  using directory = temporaryDirectory(files);
  return await ended(directory.path, program(directory.path, options));
}

const endless =
  `async test(driver) { await driver.log.nested("endless step", () => driver.retry(() => { console.log("up"); return false; })); },`;

Deno.test("a test that passes says so, in reports with the program's name", async () => {
  const run = await ran(`async test(driver) {
    await driver.subtest("first", () => {});
  },`);
  assertEquals(run.told, "passed 0 undefined");
  assertEquals([run.failures, run.title], ["0", "passed: main.ts"]);
  assertMatch(run.stderr, /^test passed in \d+\.\d\d seconds$/m);
  assertMatch(
    run.junit,
    /<testcase name="first" classname="main" time="[\d.]+" file="main\.ts" line="6">/,
  );
});

Deno.test("a test that fails shows its own line, what it was doing and where to look", async () => {
  const run = await ran(`name: "the web's test",
  async test(driver) {
    await driver.subtest("first", () => {
      throw new RangeError("no answer");
    });
  },`);
  assertEquals(run.told, "failed 1 RangeError: no answer");
  assertEquals(run.failures, "1");
  assertEquals(run.title, "failed: the web&#39;s test");
  assertMatch(run.stderr, /^!!! main\.ts:8:13\n/m);
  assertMatch(run.stderr, /^!!! > +8 \| +throw new RangeError/m);
  assertMatch(run.stderr, /^!!! while: subtest first \(failed after/m);
  assertMatch(run.stderr, /^!!! artifacts: .*\/out\/report\.html$/m);
  assertStringIncludes(run.junit, "throw new RangeError");
});

Deno.test("a test may be a script in a file", async () => {
  const run = await ran(`test: "web.ts", check: false,`, {
    "web.ts": "log.info('from the script');\nassertEquals(1, 2);\n",
  });
  assertMatch(run.told!, /^failed 1 AssertionError/);
  assertEquals(run.title, "failed: web.ts");
  assertMatch(run.stderr, /^from the script$/m);
  assertMatch(run.stderr, /^!!! web\.ts:2:1\n/m);
});

Deno.test("a script's types are checked while it runs", async () => {
  const run = await ran(`test: "web.ts",`, {
    "web.ts": "const n: number = 'x';\nexport {};\n",
  });
  assertMatch(run.told!, /^failed 1 TypeErrors/);
  assertMatch(run.stderr, /^!!! web\.ts:1:7: Type 'string'/m);
});

Deno.test("a timeout ends a test with the line where it waits", async () => {
  const run = await ran(`globalTimeout: 5,\n${endless}`);
  assertMatch(run.told!, /^timeout 124 GlobalTimeout: /);
  assertEquals([run.failures, run.title], ["1", "timeout: main.ts"]);
  assertMatch(run.stderr, /^!!! main\.ts:6:\d+\n/m);
  assertMatch(run.stderr, /^!!! while: endless step \(/m);
});

Deno.test("a signal of the program's ends a test", async () => {
  const run = await ran(`...(() => {
    const end = new AbortController();
    return {
      signal: end.signal,
      test: (driver) => driver.retry(() => {
        end.abort();
        return false;
      }),
    };
  })(),`);
  assertMatch(run.told!, /^interrupted 130 Interruption: /);
  assertEquals(run.failures, "1");
});

for (const [signal, exitCode] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`${signal} ends a test in order, and the program goes on`, async () => {
    using directory = temporaryDirectory();
    const child = program(directory.path, endless);
    const [seen, rest] = child.stdout.tee();
    const reader = seen.getReader();
    await reader.read();
    child.kill(signal);
    // Both ways are read, as a branch that nobody reads holds up the other.
    const drain = async () => {
      while (!(await reader.read()).done);
    };
    const [stdout, stderr] = await Promise.all([
      toText(rest),
      toText(child.stderr),
      drain(),
    ]);
    assertEquals((await child.status).code, 0);
    assertMatch(stdout, new RegExp(`^told: interrupted ${exitCode} `, "m"));
    assertMatch(stderr, /^!!! main\.ts:5:\d+\n/m);
    assertMatch(stderr, /^!!! Interruption: /m);
    assertMatch(stderr, /^!!! while: endless step \(.* \d+\.\d\d seconds\)$/m);
  });
}

const failing: [string, string, string][] = [
  [
    "an error that nobody catches",
    `setTimeout(() => { throw new TypeError("late"); });
     await new Promise(() => setTimeout(() => {}, 1e6));`,
    "failed 1 TypeError: late",
  ],
  [
    "a rejection that nobody handles",
    `Promise.reject(new TypeError("late"));
     await new Promise(() => setTimeout(() => {}, 1e6));`,
    "failed 1 TypeError: late",
  ],
  [
    "a call of Deno.exit",
    `Deno.exit(3);`,
    "failed 3 ScriptExit: the script ended itself with exit status 3",
  ],
  [
    "a step that nobody awaits",
    `driver.log.nested("left alone", () => driver.retry(() => false));`,
    "failed 1 TestFailure: an await seems to be missing: at the script's end this was under way: left alone",
  ],
  ["nothing at all that is thrown", `throw undefined;`, "failed 1 undefined"],
];
for (const [name, body, told] of failing) {
  Deno.test(`a test fails, not the program: ${name}`, async () => {
    const run = await ran(`async test(driver) { ${body} },`);
    assertEquals([run.told, run.failures], [told, "1"], run.stderr);
  });
}

Deno.test("listeners get all events, the terminal those from a level up", async () => {
  const run = await ran(`listeners: [{
    on: (event) => event.type === "runEnded" && console.log("heard", event.verdict),
  }],
  logLevel: "error",
  test: (driver) => driver.log.info("quiet"),`);
  assertEquals(run.stdout, "heard passed\ntold: passed 0 undefined\n");
  assertEquals(run.stderr.includes("quiet"), false);
});

Deno.test("wrong options start nothing", async () => {
  const outDir = "/proc/none";
  await assertRejects(
    () => runTest({ outDir, test: () => {}, watch: true }),
    UsageError,
    "Expected the path of a test script to watch",
  );
  await assertRejects(
    () => runTest({ outDir, test: "x.ts", keepMachines: true }),
    UsageError,
    "Expected the option watch beside keepMachines",
  );
});
