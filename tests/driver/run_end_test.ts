import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  Driver,
  type DriverOptions,
  HtmlListener,
  JunitListener,
  Log,
  type RunEvent,
  UsageError,
} from "../../mod.ts";

/** What the log and the reports tell of a run. */
async function told(
  testScript: DriverOptions["testScript"],
  options: DriverOptions = {},
) {
  const outDir = await Deno.makeTempDir({ prefix: "vmwright-test-" });
  const ends: RunEvent<"runEnded">[] = [];
  const log = new Log([
    new HtmlListener(`${outDir}/report.html`),
    new JunitListener(`${outDir}/junit.xml`),
    {
      on(event: RunEvent) {
        if (event.type === "runEnded") ends.push(event);
      },
    },
  ]);
  try {
    await using driver = await Driver.create({
      outDir,
      log,
      testScript,
      ...options,
    });
    await driver.runTests().catch(() => {});
  } finally {
    await log.close();
  }
  const [junit, html] = ["junit.xml", "report.html"].map((name) =>
    Deno.readTextFileSync(`${outDir}/${name}`)
  );
  await Deno.remove(outDir, { recursive: true });
  return {
    ends,
    failures: /failures="(\d+)"/.exec(junit)?.[1],
    title: /<title>(\w+)/.exec(html)?.[1],
    junit,
    html,
  };
}

/** A wait that nothing ends but the driver. */
async function endless(driver: Driver): Promise<void> {
  await driver.log.nested(
    "an endless step",
    () => driver.retry(() => false, { timeout: 600 }),
  );
}

Deno.test("a run of the library that passes says so in its reports", async () => {
  const { ends, failures, title } = await told(() => Promise.resolve());
  assertEquals(ends.map(({ verdict }) => verdict), ["passed"]);
  assertEquals([failures, title], ["0", "passed"]);
});

Deno.test("a run of the library that fails says so, with its author's line", async () => {
  const { ends, failures, title, junit, html } = await told(() =>
    Promise.reject(new Error("no answer"))
  );
  assertEquals(ends.map(({ verdict }) => verdict), ["failed"]);
  assertEquals([failures, title], ["1", "failed"]);
  for (const report of [junit, html]) {
    assertMatch(report, /tests\/driver\/run_end_test\.ts:\d+:\d+/);
    assertMatch(
      report,
      /Promise\.reject\(new Error\(&quot;no answer&quot;\)\)/,
    );
    assertMatch(report, /Error: no answer/);
  }
});

Deno.test("a run of the library that its timeout ends shows where the script waited", async () => {
  const { ends, title } = await told(endless, { globalTimeout: 2 });
  assertEquals(title, "timeout");
  assertMatch(ends[0].detail!, /^> *\d+ \| +await driver\.log\.nested\(/m);
  assertMatch(ends[0].detail!, /^GlobalTimeout: .* of 2 seconds$/m);
});

Deno.test("a run of the library that a signal ends is interrupted", async () => {
  const end = new AbortController();
  const { ends, failures, title } = await told(
    (driver) =>
      driver.retry(() => {
        end.abort(new Error("enough"));
        return false;
      }, { timeout: 600 }),
    { signal: end.signal },
  );
  assertEquals(ends.map(({ verdict }) => verdict), ["interrupted"]);
  assertEquals([failures, title], ["1", "interrupted"]);
});

Deno.test("a driver that can't be made has failed the run", async () => {
  const ends: RunEvent<"runEnded">[] = [];
  const on = (event: RunEvent) => {
    if (event.type === "runEnded") ends.push(event);
  };
  await using log = new Log([{ on }]);
  const machines = ["run-a-vm", "there/run-a-vm"];
  await assertRejects(() => Driver.create({ log, machines }), UsageError);
  assertEquals(ends.map(({ verdict }) => verdict), ["failed"]);
});

Deno.test("a driver without tellEnd leaves the report of the end to others", async () => {
  const { ends } = await told(() => Promise.resolve(), { tellEnd: false });
  assertEquals(ends, []);
  const failed = await told(
    () => Promise.reject(new Error("x")),
    { tellEnd: false },
  );
  assertEquals(failed.ends, []);
});

Deno.test("an error that was made elsewhere shows the author's line after it has passed a step", async () => {
  const log = new Log();
  const elsewhere = new TypeError("made elsewhere");
  elsewhere.stack = "TypeError: made elsewhere\n    at ext:core/01_core.js:1:2";
  const error = await assertRejects(
    () => log.nested("step", () => Promise.reject(elsewhere)),
    TypeError,
  );
  assertMatch(error.stack!, /^TypeError: made elsewhere\n.*01_core\.js/);
  assertMatch(error.stack!, /run_end_test\.ts:\d+:\d+/);
  await log.close();
});
