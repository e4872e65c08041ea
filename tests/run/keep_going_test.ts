/** Tests that go on after subtests that failed; no machine is started. */
import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { Driver, Log, SubtestFailures } from "../../mod.ts";
import { temporaryDirectory, vmwright } from "../cli/vmwright.ts";

/** The result of a script: its explanation and the JUnit report's cases. */
async function ran(name: string, script: string, args = ["--keep-going"]) {
  using directory = temporaryDirectory({
    "run-web-vm": "#!/bin/sh\nexec sleep 600\n",
    [name]: script,
  });
  const { code, stdout, stderr } = await vmwright(
    [
      ...[name, "--start-scripts", "./run-web-vm", "--no-html", "--no-check"],
      ...["--junit-xml", "junit.xml", ...args],
    ],
    {
      cwd: directory.path,
      env: { XDG_RUNTIME_DIR: directory.path, GITHUB_ACTIONS: "true" },
    },
  );
  const junit = Deno.readTextFileSync(`${directory.path}/junit.xml`);
  return {
    code,
    stdout,
    told: stderr.split("\n").filter((line) => line.startsWith("!!! "))
      .map((line) => line.slice(4)).join("\n"),
    annotations: stderr.match(/^::error .*$/gm) ?? [],
    cases: [...junit.matchAll(/<testcase name="([^"]*)"[^]*?<\/testcase>/g)]
      .map(([text, name]) =>
        `${name}${text.includes("<failure") ? ": failed" : ""}`
      ),
    junit,
  };
}

const scripts: [string, string][] = [
  [
    "test.ts",
    `await subtest("one", () => { assertEquals(1, 2); });
await subtest("two", () => console.log("two ran"));
await subtest("three", () => { throw new RangeError("third"); });
console.log("end");
`,
  ],
  [
    "test.py",
    `with subtest("one"):
    assert 1 == 2
with subtest("two"):
    print("two ran")
with subtest("three"):
    raise IndexError("third")
print("end")
`,
  ],
];
for (const [name, script] of scripts) {
  Deno.test(`--keep-going runs the next subtests of ${name}, and reports all failures at the end`, async () => {
    const { code, stdout, told, annotations, cases, junit } = await ran(
      name,
      script,
    );
    assertEquals([code, stdout], [1, "two ran\nend\n"]);
    assertMatch(told, /^1 of 2 failures: subtest one\ntest\.\w+:\d:\d+\n/);
    assertMatch(told, /^AssertionError/m);
    assertMatch(told, /^2 of 2 failures: subtest three\ntest\.\w+:\d:\d+\n/m);
    assertMatch(told, /^(Range|Index)Error: third$/m);
    assertEquals(cases, ["one: failed", "two", "three: failed"]);
    assertMatch(junit, /third[^]*test\.\w+:\d:\d+[^]*third/);
    assertEquals(annotations.length, 2);
    assertMatch(
      annotations[1],
      /^::error file=test\.\w+,line=\d,title=test\.\w+%3A subtest three::/,
    );
  });
}

Deno.test("without it, the first subtest that fails ends the test", async () => {
  for (const [name, script] of scripts) {
    const { code, stdout, told, cases } = await ran(name, script, []);
    assertEquals([code, stdout], [1, ""]);
    assertEquals(told.includes("failures"), false);
    assertEquals(cases, ["one: failed"]);
  }
});

Deno.test("a single failure is reported as if it had ended the test", async () => {
  const { code, told, cases } = await ran(
    "test.ts",
    `await subtest("one", { keepGoing: true }, () => { throw new RangeError("x"); });
await subtest("two", () => {});
`,
    [],
  );
  assertEquals(code, 1);
  assertMatch(told, /^test\.ts:1:\d+\n[^]*^RangeError: x\nwhile: subtest one/m);
  assertEquals(cases, ["one: failed", "two"]);
});

Deno.test("a subtest of Python's says itself whether the test goes on", async () => {
  const { told, cases, stdout } = await ran(
    "test.py",
    `with subtest("one", keep_going=True):
    raise IndexError("x")
print("on")
with subtest("two", keep_going=False):
    raise IndexError("y")
print("never")
`,
  );
  assertEquals(stdout, "on\n");
  assertEquals(cases, ["one: failed", "two: failed"]);
  assertMatch(told, /^1 of 2 failures: subtest one\n/);
  assertMatch(told, /^2 of 2 failures\ntest\.py:5:\d+\n/m);
});

Deno.test("a script that fails after its subtests is reported with them", async () => {
  const { told, cases } = await ran(
    "test.ts",
    `await subtest("one", () => { throw new RangeError("x"); });
throw new TypeError("outside");
`,
  );
  assertMatch(told, /^1 of 2 failures: subtest one\n/);
  assertMatch(
    told,
    /^2 of 2 failures\ntest\.ts:2:7\n[^]*^TypeError: outside$/m,
  );
  assertEquals(cases, ["main: failed", "one: failed"]);
});

Deno.test("a driver of the library reports its failures when its script is over", async () => {
  const first = new Error("first"), second = new Error("second");
  const told: string[] = [];
  const log = new Log([]);
  using directory = temporaryDirectory();
  await using driver = await Driver.create({
    outDir: directory.path,
    log,
    keepGoing: true,
    onSubtestFailure: ({ name }) => {
      told.push(name);
      return Promise.resolve();
    },
    testScript: async (driver) => {
      assertEquals(
        await driver.subtest("a", () => Promise.reject(first)),
        undefined,
      );
      assertEquals(await driver.subtest("b", () => 7), 7);
      await driver.subtest("c", () => Promise.reject(second));
    },
  });
  const error = await assertRejects(() => driver.testScript(), SubtestFailures);
  assertEquals(error.message, "2 subtests failed: a, c");
  assertStrictEquals(error.errors[0], first);
  assertEquals(told, ["a", "c"]);
  assertEquals(driver.failures.map(({ name }) => name), ["a", "c"]);
  // Once more, with nothing of the first time.
  await assertRejects(() => driver.testScript(), SubtestFailures, "2 subtests");
});

Deno.test("the end of the run does not count as a failure of a subtest", async () => {
  const { told, cases } = await ran(
    "test.ts",
    `await subtest("one", () => retry(() => false));
await subtest("two", () => {});
`,
    ["--keep-going", "--global-timeout", "5"],
  );
  assertEquals(told.includes("failures"), false, told);
  assertMatch(told, /^GlobalTimeout: /m);
  assertEquals(cases.at(-1), "one: failed");
});
