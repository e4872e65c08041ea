import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { JunitListener, Log } from "../../src/report/mod.ts";
import { hostile } from "./hostile.ts";
import { killed, withFolder } from "./process.ts";
import { randomRun } from "./random_run.ts";
import { all, type Element, parse, textOf } from "./well_formed.ts";

/** The report of what `act` logs. */
async function report(
  act: (log: Log) => unknown,
  name = "there/web.ts",
): Promise<Element> {
  let document: Element | undefined;
  await withFolder(async (folder) => {
    const path = `${folder}/junit.xml`;
    const log = new Log([new JunitListener(path)], { name });
    await act(log);
    await log.close();
    document = parse(Deno.readTextFileSync(path));
    assertEquals([...Deno.readDirSync(folder)].length, 1);
  });
  conforms(document!);
  return document!;
}

/** Holds a report against JUnit's schema, as Jenkins publishes it. */
function conforms(document: Element): void {
  const may: Record<string, [string[], string[]]> = {
    testsuites: [["testsuite"], [
      "name",
      "time",
      "tests",
      "failures",
      "errors",
    ]],
    testsuite: [
      ["properties", "testcase", "system-out", "system-err"],
      ["name", "tests", "failures", "errors", "time", "skipped", "timestamp"],
    ],
    properties: [["property"], []],
    property: [[], ["name", "value"]],
    testcase: [
      ["failure", "system-out", "system-err"],
      ["name", "time", "classname", "file", "line"],
    ],
    failure: [[], ["type", "message"]],
    "system-out": [[], []],
    "system-err": [[], []],
  };
  const check = (element: Element) => {
    const [children, attributes] = may[element.name];
    const order: number[] = [];
    for (const child of element.children) {
      if (typeof child === "string") {
        if (children.length > 0) assertEquals(child.trim(), "");
        continue;
      }
      order.push(children.indexOf(child.name));
      check(child);
    }
    assertEquals(order, order.toSorted());
    assertEquals(order.includes(-1), false);
    for (const name in element.attributes) {
      assertEquals(attributes.includes(name), true);
    }
  };
  check(document);
  const cases = all(document, "testcase");
  const [suite] = all(document, "testsuite");
  assertEquals(suite.attributes.tests, String(cases.length));
  assertEquals(
    suite.attributes.failures,
    String(all(document, "failure").length),
  );
  assertMatch(suite.attributes.timestamp!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
  for (const one of cases) assertMatch(one.attributes.time!, /^\d+\.\d{3}$/);
  const names = cases.map((one) => one.attributes.name);
  assertEquals(new Set(names).size, names.length);
}

/** Each case's name with its failure's message and text. */
function failures(document: Element): Record<string, string[] | undefined> {
  return Object.fromEntries(
    all(document, "testcase").map((one) => {
      const [failure] = all(one, "failure");
      return [
        one.attributes.name,
        failure && [failure.attributes.message!, textOf(failure)],
      ];
    }),
  );
}

/** What a case said; the whole run, where no case is named. */
function outputOf(
  document: Element,
  stream: string,
  name?: string,
): string {
  const [one] = name === undefined
    ? all(document, "testsuite")
    : all(document, "testcase").filter((one) => one.attributes.name === name);
  return one.children
    .filter((child) => typeof child === "object" && child.name === stream).map((
      child,
    ) => textOf(child as Element)).join("").trim()
    .replace(/in \d\.\d\d/g, "in N");
}

Deno.test("a test case per subtest, and the whole output in the suite", async () => {
  const document = await report(async (log) => {
    log.info("before");
    await log.subtest("first", () => {
      log.consoleLine("m", "line");
      return log.nested("step", () => log.error("complaint"), { machine: "m" });
    });
    await log.subtest("second", () => {});
    log.consoleLine("m", "outside");
    log.runEnded("passed");
  });
  assertEquals(failures(document), { first: undefined, second: undefined });
  const first = "m # line\nm: step\nm: (finished: step, in N seconds)";
  assertEquals(outputOf(document, "system-out", "first"), first);
  assertEquals(outputOf(document, "system-err", "first"), "complaint");
  assertEquals(outputOf(document, "system-out", "second"), "");
  assertEquals(
    outputOf(document, "system-out"),
    `before\n${first}\nm # outside`,
  );
  assertEquals(outputOf(document, "system-err"), "complaint");
});

Deno.test("the time of a case is its own, without that of the subtests in it", async () => {
  await withFolder((folder) => {
    const path = `${folder}/junit.xml`;
    const listener = new JunitListener(path);
    const times = () =>
      Object.fromEntries(
        all(parse(Deno.readTextFileSync(path)), "testcase")
          .map(({ attributes: { name, time } }) => [name, time]),
      );
    const began = { type: "subtestBegan" } as const;
    const ended = { type: "subtestEnded" } as const;
    listener.on({ type: "runBegan", time: 0, date: 0 });
    listener.on({ ...began, id: 1, name: "outer", time: 1 });
    listener.on({ ...began, id: 2, name: "inner", time: 2, step: 1 });
    listener.on({ ...ended, id: 2, name: "inner", time: 5, duration: 3 });
    listener.on({ ...ended, id: 1, name: "outer", time: 8, duration: 7 });
    listener.flush();
    const own = { outer: "4.000", inner: "3.000" };
    assertEquals(times(), { main: "1.000", ...own });
    const error = { name: "Error", message: "late" };
    listener.on({ type: "runEnded", time: 10, verdict: "failed", error });
    listener.close();
    assertEquals(times(), { main: "3.000", ...own });
  });
});

Deno.test("the suite tells where it ran, and by what", async () => {
  const document = await report((log) => {
    log.machineStarted({
      machine: "m",
      hypervisor: "QEMU",
      command: 'run-m-vm "x"',
      pid: 7,
    });
    log.fact("QEMU version", "7.2", "m");
    log.runEnded("passed");
  });
  const properties = Object.fromEntries(
    all(document, "property").map(({ attributes: { name, value } }) => [
      name!,
      value!,
    ]),
  );
  assertEquals(properties["start command of m"], 'run-m-vm "x"');
  assertEquals(properties["QEMU version of m"], "7.2");
  assertEquals(properties.deno, Deno.version.deno);
  assertMatch(properties["command line"], /\S/);
});

Deno.test("files are named with the case that they belong to, in the form of Jenkins and GitLab", async () => {
  const act = async (log: Log) => {
    const error = new Error("no");
    await log.subtest("good", () => log.screenshot("m", "/p/out/a.png"));
    await log.subtest("bad", () => Promise.reject(error)).catch(() => {});
    // After the last subtest, of the failure.
    log.attachment("state of m", { path: "/p/out/m.txt", machine: "m" });
    log.attachment("text", { text: "only" });
    log.runEnded("failed", error);
  };
  const document = await report(act);
  assertEquals(
    outputOf(document, "system-out", "good"),
    "[[ATTACHMENT|/p/out/a.png]]",
  );
  assertEquals(
    outputOf(document, "system-out", "bad"),
    "[[ATTACHMENT|/p/out/m.txt]]",
  );
  await withFolder(async (folder) => {
    const path = `${folder}/junit.xml`;
    const log = new Log([
      new JunitListener(path, { projectDirectory: "/p" }),
    ]);
    await act(log);
    await log.close();
    assertMatch(
      Deno.readTextFileSync(path),
      /\[\[ATTACHMENT\|out\/m\.txt\]\]/,
    );
  });
});

Deno.test("no text of a guest names a file for readers of the report", async () => {
  const named = "[[ATTACHMENT|/etc/passwd]]";
  const document = await report(async (log) => {
    await log.subtest("one", () => {
      log.consoleLine("m", named);
      log.info(`${named}\n[[ATTACH\x1b[1mMENT|/etc/passwd]]`, { machine: "m" });
      log.error(named);
    });
    log.runEnded("passed");
  });
  for (const  of of[undefined, "one"]) {
    for (const stream of ["system-out", "system-err"] as const) {
      const text = outputOf(document, stream, of);
      assertMatch(text, /\[ \[ATTACHMENT\|\/etc\/passwd\]\]/);
      assertEquals(text.includes("[[ATTACHMENT"), false, text);
    }
  }
});

Deno.test("main stands for a script without subtests", async () => {
  const document = await report((log) => {
    log.info("said");
    log.runEnded("passed");
  });
  assertEquals(failures(document), { main: undefined });
  assertEquals(outputOf(document, "system-out"), "said");
});

const names: [string, string, string][] = [
  ["there/web.ts", "there/web.ts", "there.web"],
  ["./web.test.py", "./web.test.py", "web.test"],
  ["../../tests/web.mts", "../../tests/web.mts", "tests.web"],
  [
    "/nix/store/00000000000000000000000000000000-web-script",
    "/nix/store/00000000000000000000000000000000-web-script",
    "web-script",
  ],
  ["[eval]", "[eval]", "[eval]"],
];
for (const [name, suite, className] of names) {
  Deno.test(`suite and class of ${name} tell it from other scripts`, async () => {
    const document = await report((log) => log.runEnded("passed"), name);
    assertEquals(all(document, "testsuite")[0].attributes.name, suite);
    const [{ attributes }] = all(document, "testcase");
    assertEquals([attributes.classname, attributes.file], [className, name]);
    assertEquals(attributes.line, undefined);
  });
}

Deno.test("a subtest's case names the place where it begins", async () => {
  const document = await report((log) => log.subtest("here", () => {}));
  const [{ attributes }] = all(document, "testcase");
  assertEquals(attributes.file?.endsWith("tests/report/junit_test.ts"), true);
  const lines = Deno.readTextFileSync(import.meta.filename!).split("\n");
  assertMatch(lines[Number(attributes.line) - 1], /log\.subtest\("here"/);
});

Deno.test("a subtest's failure is its own and not main's as well", async () => {
  const document = await report(async (log) => {
    const error = new Error("no answer");
    await log.subtest("good", () => {});
    await log.subtest("bad", () => Promise.reject(error)).catch(() => {});
    log.runEnded("failed", error, "test.ts:7\n  no answer");
  });
  assertEquals(failures(document), {
    good: undefined,
    bad: ["no answer", "test.ts:7\n  no answer"],
  });
});

Deno.test("a failure outside of subtests is main's", async () => {
  const document = await report(async (log) => {
    await log.subtest("good", () => {});
    log.runEnded("failed", new Error("outside"), "detail");
  });
  assertEquals(failures(document), {
    main: ["outside", "detail"],
    good: undefined,
  });
});

Deno.test("a timeout fails main, and the subtest that was running", async () => {
  const document = await report((log) => {
    log.beginSubtest("endless");
    log.runEnded("timeout");
  });
  assertEquals(failures(document).main?.[0], "the run ended: timeout");
  assertEquals(failures(document).endless?.[0], "the run ended: timeout");
});

Deno.test("a subtest that failed and was caught fails by itself", async () => {
  const document = await report(async (log) => {
    await log.subtest("bad", () => Promise.reject(new Error("x")))
      .catch(() => {});
    log.runEnded("passed");
  });
  assertEquals(Object.keys(failures(document)), ["bad"]);
  assertEquals(failures(document).bad?.[0], "x");
});

Deno.test("subtests of one name are told apart", async () => {
  const document = await report(async (log) => {
    for (const name of ["again", "main", "again", "again (2)"]) {
      await log.subtest(name, () => {});
    }
  });
  assertEquals(Object.keys(failures(document)), [
    "again",
    "main (2)",
    "again (2)",
    "again (2) (2)",
  ]);
});

Deno.test("the report is valid whatever is logged", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    await report((log) => {
      randomRun(log, seed);
      if (seed % 2) log.runEnded("failed", new Error("\x00]]>"));
    });
  }
});

Deno.test("a failure shows invisible characters, and no remains of colours", async () => {
  const long = "\x1b[31mred\x1b[0m ".repeat(20_000);
  for (const text of [...hostile, long]) {
    await report((log) => {
      log.subtest(text, () => Promise.reject(new Error(text))).catch(() => {});
      log.runEnded("failed", new TypeError(text), text);
    });
  }
});

Deno.test("the middle of a long output is left out", async () => {
  const document = await report((log) => {
    for (let i = 0; i < 50_000; i++) {
      log.consoleLine("m", `line ${i} ${"x".repeat(80)}`);
    }
    log.consoleLine("m", "y".repeat(1 << 20));
  });
  const output = outputOf(document, "system-out");
  assertLess(output.length, 600 << 10);
  assertMatch(output, /^m # line 0 /);
  assertMatch(output, /\n… \d+ lines left out …\n/);
  assertMatch(output, /… \d+ characters …y+$/);
});

Deno.test("a killed driver leaves a report that says so", () =>
  withFolder(async (folder) => {
    const path = `${folder}/junit.xml`;
    await killed(`
      const log = new Log([new JunitListener(${JSON.stringify(path)})]);
      log.info("begun");
    `);
    const document = parse(Deno.readTextFileSync(path));
    conforms(document);
    assertEquals(failures(document).main?.[0], "the run has not finished");
  }));

Deno.test("if a run ends several times, the first end that is not passed counts", async () => {
  const document = await report((log) => {
    log.runEnded("passed");
    log.runEnded("failed", new Error("first"));
    log.runEnded("passed");
    log.runEnded("failed", new Error("second"));
  });
  assertEquals(failures(document).main?.[0], "first");
});

Deno.test("the report goes to a pipe too, once", async () => {
  await withFolder(async (folder) => {
    // No device of the host's: whatever takes its place would be everybody's.
    const path = `${folder}/pipe`;
    await new Deno.Command("mkfifo", { args: [path] }).output();
    const reader = new Deno.Command("cat", { args: [path], stdout: "piped" })
      .spawn();
    try {
      const log = new Log([new JunitListener(path)]);
      log.info("text");
      assertEquals(Deno.lstatSync(path).isFifo, true);
      // Opening the pipe waits for its reader.
      await log.close();
      const { stdout } = await reader.output();
      const document = parse(new TextDecoder().decode(stdout));
      assertEquals(outputOf(document, "system-out"), "text");
    } catch (error) {
      reader.kill();
      await reader.output();
      throw error;
    }
  });
});
