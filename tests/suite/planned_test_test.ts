import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/errors.ts";
import { plannedTests } from "../../src/suite/planned_test.ts";
import { selectTests } from "../../src/suite/select.ts";
import type { Suite } from "../../src/suite/suite.ts";
import type { SuiteResults } from "../../src/suite/results.ts";

function planned(suite: Suite) {
  return plannedTests({ suite, folder: "/", name: "s", files: [] });
}

Deno.test("a test has the fields that it does not set from the defaults", () => {
  const [test] = planned({
    defaults: {
      script: "all.ts",
      startScripts: ["./run-a-vm"],
      retries: 2,
      tags: ["all"],
      env: { A: "1", B: "1" },
    },
    tests: { web: { retries: 0, tags: ["web"], env: { B: "2" } } },
  });
  assertEquals(test, {
    name: "web",
    script: "all.ts",
    startScripts: ["./run-a-vm"],
    retries: 0,
    tags: ["all", "web"],
    env: { A: "1", B: "2" },
  });
});

Deno.test("a test with machines of its own has none of the defaults' machines", () => {
  const [test] = planned({
    defaults: { startScripts: ["./run-a-vm"] },
    tests: { web: { config: "web.json" } },
  });
  assertEquals(test.startScripts, undefined);
});

Deno.test("a matrix makes a test of each combination, in whose texts the values stand", () => {
  const tests = planned({
    tests: {
      web: {
        startScripts: ["./run-${kernel}-vm"],
        script: "web.ts",
        env: { BACKEND: "${backend}" },
        matrix: { kernel: ["6.1", 6.12], backend: ["qemu"] },
      },
    },
  });
  assertEquals(
    tests.map(({ name, startScripts, env }) => [name, startScripts, env]),
    [
      [
        "web[kernel=6.1,backend=qemu]",
        ["./run-6.1-vm"],
        { BACKEND: "qemu" },
      ],
      [
        "web[kernel=6.12,backend=qemu]",
        ["./run-6.12-vm"],
        { BACKEND: "qemu" },
      ],
    ],
  );
});

Deno.test("a test that can't be run is refused", () => {
  const refusal = (test: Suite["tests"][string]) =>
    assertThrows(() => planned({ tests: { web: test } }), UsageError).message;
  assertEquals(refusal({}), "the test web has no script, and no config");
  assertEquals(
    refusal({ config: "a.json", startScripts: ["x"] }),
    "the test web has startScripts, and machines in a.json",
  );
  assertEquals(
    refusal({ config: "a.json", machineConfig: "b.json" }),
    "the test web has two files of machines: a.json and b.json",
  );
  assertEquals(
    refusal({ script: "${kernal}.ts", matrix: { kernel: [1] } }),
    "the test web[kernel=1] has ${kernal}, but its matrix has only kernel",
  );
});

const tests = planned({
  tests: {
    web: { script: "w", tags: ["slow"], matrix: { k: [1, 2] } },
    "web.tls": { script: "w" },
    db: { script: "d", tags: ["slow", "db"] },
  },
});
const names = (...args: Parameters<typeof selectTests>) =>
  selectTests(...args).map(({ name }) => name);

Deno.test("names, globs and tags select tests", () => {
  assertEquals(names(tests, {}), ["web[k=1]", "web[k=2]", "web.tls", "db"]);
  assertEquals(names(tests, { names: ["web"] }), ["web[k=1]", "web[k=2]"]);
  assertEquals(names(tests, { names: ["web[k=2]"] }), ["web[k=2]"]);
  assertEquals(names(tests, { names: ["w*t?s", "db"] }), ["web.tls", "db"]);
  assertEquals(names(tests, { tags: ["db"] }), ["db"]);
  assertEquals(names(tests, { tags: ["slow"], names: ["web*"] }), [
    "web[k=1]",
    "web[k=2]",
  ]);
});

Deno.test("a name or a tag that no test has is a mistake", () => {
  const refusal = (selection: Parameters<typeof selectTests>[1]) =>
    assertThrows(() => selectTests(tests, selection), UsageError).message;
  assertEquals(
    refusal({ names: ["web.tl"] }),
    `no test of the suite is named "web.tl"; did you mean web.tls?`,
  );
  // A point is no pattern.
  assertEquals(
    refusal({ names: ["webxtls*"] }),
    `no test of the suite is named "webxtls*"; did you mean web.tls?`,
  );
  assertEquals(
    refusal({ tags: ["slo"] }),
    `no test of the suite has the tag "slo"; did you mean slow?`,
  );
  assertEquals(
    refusal({ tags: ["db"], names: ["web"] }),
    "no test of the suite has both the names and the tags",
  );
});

Deno.test("the last failed tests are those that did not pass", () => {
  const last = {
    tests: [
      ["web[k=1]", "crashed"],
      ["web[k=2]", "flaky"],
      ["web.tls", "unfinished"],
      ["gone", "failed"],
    ].map(([name, verdict]) => ({ name, verdict })),
  } as unknown as SuiteResults;
  assertEquals(names(tests, { last }), ["web[k=1]", "web.tls"]);
  assertEquals(names(tests, { last: { ...last, tests: [] } }), []);
});
