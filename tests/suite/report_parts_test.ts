import { assert, assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../src/errors.ts";
import { addToHistory, entryOf } from "../../src/suite/history.ts";
import { reportParts } from "../../src/suite/report_parts.ts";
import { readResults } from "../../src/suite/results.ts";
import { readPage } from "../report/read_page.ts";
import { all, type Element, parse, textOf } from "../report/well_formed.ts";
import { newYear, result, results, writeResults } from "./made_results.ts";

/** Shards of a suite of six tests: one is green, one has it all. */
const shards = (folder: string, ...indexes: number[]) => {
  const planned = ["a", "b", "c", "d", "e", "f"];
  const parts = [
    [result("c", "passed"), result("a", "passed")],
    [result("b", "failed", { tags: ["slow"] }), result("d", "flaky")],
    [result("e", "timeout"), result("f", "skipped", { reason: "no KVM" })],
  ];
  return indexes.map((index) => {
    const directory = `${folder}/part ${index}`;
    writeResults(
      directory,
      results(parts[index - 1], {
        planned,
        shard: { index, count: 3 },
        date: newYear + 1000 * index,
      }),
    );
    return directory;
  });
};

async function inFolder(body: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "vmwright-parts-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const verdicts = ({ tests }: { tests: { name: string; verdict: string }[] }) =>
  tests.map(({ name, verdict }) => `${name} ${verdict}`);

/** The cases of a JUnit report, by their names. */
function cases(path: string): Map<string, Element> {
  const document = parse(Deno.readTextFileSync(path));
  return new Map(
    all(document, "testcase").map((one) => [one.attributes.name!, one]),
  );
}

Deno.test("the shards of a suite become one verdict, one page and one JUnit report", () =>
  inFolder(async (folder) => {
    const directory = `${folder}/whole`;
    const report = await reportParts(shards(folder, 3, 1, 2), { directory });
    assertEquals(report.outcome, {
      passed: false,
      text: "1 failed, 1 timeout, 1 flaky, 1 skipped, 2 passed",
    });
    assertEquals(report.notes, []);
    const whole = readResults(directory)!;
    assertEquals(verdicts(whole as never), [
      ...["a passed", "b failed", "c passed", "d flaky", "e timeout"],
      "f skipped",
    ]);
    assertEquals([whole.date, whole.duration], [newYear + 1000, 12]);
    assertEquals(whole.shard, undefined);
    assertEquals(whole.budget.workers, 6);

    const page = readPage(Deno.readTextFileSync(`${directory}/report.html`));
    const { suite, runs } = page.overview;
    assertEquals([suite!.name, suite!.passed], ["house", false]);
    assertEquals(suite!.tests.map(({ name }) => name).join(""), "bedfac");
    const flaky = suite!.tests.find(({ name }) => name === "d")!;
    assertEquals(flaky.attempts.map(({ verdict }) => verdict), [
      "failed",
      "passed",
    ]);
    // Each attempt's run is on the page.
    assertEquals(
      flaky.attempts.map(({ run }) => runs[run!].label),
      ["d, 1", "d, 2"],
    );
    assertEquals(runs.length, 6);
    const words = textOf(page.document);
    assert(words.includes("failed: b, 3.00 s: b went wrong"), words);

    const found = cases(`${directory}/junit.xml`);
    assertEquals([...found.keys()].join(""), "abcdef");
    assertEquals(
      textOf(all(found.get("a")!, "system-out")[0]),
      `[[ATTACHMENT|${folder}/part 1/tests/a/1/report.html]]\n`,
    );
    assertEquals(all(found.get("b")!, "failure").length, 1);
    assertEquals(all(found.get("d")!, "flakyFailure").length, 1);
    assertEquals(all(found.get("d")!, "failure").length, 0);
    assertEquals(
      all(found.get("f")!, "skipped")[0].attributes.message,
      "no KVM",
    );
  }));

Deno.test("a shard that never reported is named, with the tests that may be in it", () =>
  inFolder(async (folder) => {
    const directory = `${folder}/whole`;
    const { outcome, notes, results } = await reportParts(
      shards(folder, 1),
      { directory },
    );
    assertEquals(outcome.passed, false);
    assertEquals(notes, [
      "shard 2/3 never reported",
      "shard 3/3 never reported",
    ]);
    assertEquals(
      results.tests.filter(({ verdict }) => verdict === "unfinished").map((
        { name, reason },
      ) => [name, reason]),
      ["b", "d", "e", "f"].map((name) => [
        name,
        "one of the shards 2/3 and 3/3 never reported",
      ]),
    );
    const found = cases(`${directory}/junit.xml`);
    assertEquals(
      all(found.get("shard 2/3 never reported")!, "error")[0].attributes.type,
      "missing",
    );
    assertEquals(all(found.get("b")!, "error").length, 1);
    const { suite } = readPage(
      Deno.readTextFileSync(`${directory}/report.html`),
    ).overview;
    assertEquals(suite!.notes, notes);
  }));

Deno.test("a shard that never reported is a failure, even if no test is known to be in it", () =>
  inFolder(async (folder) => {
    writeResults(
      `${folder}/1`,
      results([result("a", "passed")], { shard: { index: 1, count: 2 } }),
    );
    const { outcome } = await reportParts([`${folder}/1`], {
      directory: `${folder}/whole`,
    });
    assertEquals(outcome.passed, false);
  }));

Deno.test("a directory without results is a part that is missing", () =>
  inFolder(async (folder) => {
    Deno.mkdirSync(`${folder}/empty`);
    writeResults(`${folder}/one`, results([result("a", "passed")]));
    const { outcome, notes } = await reportParts(
      [`${folder}/one`, `${folder}/empty`],
      { directory: `${folder}/whole` },
    );
    assertEquals(notes, [`there are no results in ${folder}/empty`]);
    assertEquals(outcome.passed, false);
    await assertRejects(
      () => reportParts([`${folder}/empty`], { directory: `${folder}/whole` }),
      UsageError,
      "Expected the results of a suite, of which no directory has any",
    );
  }));

Deno.test("if a shard reported twice, the later report counts", () =>
  inFolder(async (folder) => {
    const shard = { index: 1, count: 1 };
    for (
      const [name, verdict, date] of [
        ["again", "passed", newYear + 1],
        ["before", "failed", newYear],
      ] as const
    ) {
      writeResults(
        `${folder}/${name}`,
        results([result("a", verdict)], { shard, date }),
      );
    }
    for (const order of [["again", "before"], ["before", "again"]]) {
      const { outcome } = await reportParts(
        order.map((name) => `${folder}/${name}`),
        { directory: `${folder}/whole` },
      );
      assertEquals(outcome, { passed: true, text: "1 passed" });
    }
  }));

Deno.test("a test that two parts ran has the worse of their verdicts", () =>
  inFolder(async (folder) => {
    for (const verdict of ["passed", "failed"] as const) {
      writeResults(`${folder}/${verdict}`, results([result("a", verdict)]));
    }
    for (const order of [["passed", "failed"], ["failed", "passed"]]) {
      const { results } = await reportParts(
        order.map((name) => `${folder}/${name}`),
        { directory: `${folder}/whole` },
      );
      assertEquals(verdicts(results as never), ["a failed"]);
    }
  }));

Deno.test("a test that one part did not run has the verdict of the other", () =>
  inFolder(async (folder) => {
    for (const verdict of ["unfinished", "passed"] as const) {
      writeResults(`${folder}/${verdict}`, results([result("a", verdict)]));
    }
    for (
      const order of [["unfinished", "passed"], ["passed", "unfinished"]]
    ) {
      const { results } = await reportParts(
        order.map((name) => `${folder}/${name}`),
        { directory: `${folder}/whole` },
      );
      assertEquals(verdicts(results as never), ["a passed"]);
    }
  }));

Deno.test("a test that all shards left out has not run", () =>
  inFolder(async (folder) => {
    writeResults(
      `${folder}/one`,
      results([result("a", "passed")], { planned: ["a", "b"] }),
    );
    const { results: whole, outcome } = await reportParts([`${folder}/one`], {
      directory: `${folder}/whole`,
    });
    assertEquals(verdicts(whole as never), ["a passed", "b unfinished"]);
    assertEquals(outcome.passed, false);
  }));

Deno.test("repetitions of a test stay apart", () =>
  inFolder(async (folder) => {
    const repeated = (repetition: number) => ({
      ...result("a", "passed"),
      repetition,
    });
    for (const index of [1, 2]) {
      writeResults(
        `${folder}/${index}`,
        results([repeated(index)], {
          shard: { index, count: 2 },
          planned: ["a #1", "a #2"],
        }),
      );
    }
    const { results: whole } = await reportParts(
      [`${folder}/2`, `${folder}/1`],
      { directory: `${folder}/whole` },
    );
    assertEquals(whole.tests.map(({ repetition }) => repetition), [1, 2]);
  }));

Deno.test("flaky tests fail the whole if an option says so", () =>
  inFolder(async (folder) => {
    writeResults(`${folder}/one`, results([result("a", "flaky")]));
    const judged = async (failOnFlaky: boolean) =>
      (await reportParts([`${folder}/one`], {
        directory: `${folder}/whole`,
        failOnFlaky,
      })).outcome.passed;
    assertEquals([await judged(false), await judged(true)], [true, false]);
  }));

Deno.test("parts of different suites are refused", () =>
  inFolder(async (folder) => {
    const one = results([result("a", "passed")]);
    writeResults(`${folder}/one`, one);
    writeResults(`${folder}/other`, { ...one, name: "garden" });
    writeResults(`${folder}/shard`, { ...one, shard: { index: 1, count: 2 } });
    for (
      const [other, sentence] of [
        ["other", `got house in ${folder}/one and garden in ${folder}/other`],
        [
          "shard",
          `got no shard in ${folder}/one and shard 1/2 in ${folder}/shard`,
        ],
        ["one", `another output directory`],
      ]
    ) {
      await assertRejects(
        () =>
          reportParts([`${folder}/one`, `${folder}/${other}`], {
            directory: other === "one" ? `${folder}/one` : `${folder}/whole`,
          }),
        UsageError,
        sentence,
      );
    }
  }));

Deno.test("the page and the JUnit report show the history of each test, and new results go into it once", () =>
  inFolder(async (folder) => {
    const history = `${folder}/history`;
    const day = 24 * 3600 * 1000;
    const before = (name: string, verdict: "passed" | "failed", days: number) =>
      entryOf(
        result(name, verdict, {
          attempts: [{
            verdict,
            date: newYear - days * day,
            duration: 2,
          }],
        }),
      )!;
    addToHistory(history, [
      before("b", "passed", 9),
      before("b", "failed", 8),
      before("b", "failed", 7),
    ]);
    const directory = `${folder}/whole`;
    for (let i = 0; i < 2; i++) {
      await reportParts(shards(folder, 1, 2, 3), { directory, history });
    }
    const lines = Deno.readTextFileSync(history).trim().split("\n");
    // Five tests came to an end, once, however often they are reported.
    assertEquals(lines.length, 3 + 5);
    const page = readPage(Deno.readTextFileSync(`${directory}/report.html`));
    const red = page.overview.suite!.tests[0];
    assertEquals(
      red.trend,
      "of the last 4 runs, 1 passed, 3 red, usually 2.0 s, red since 2025-12-24 00:00 UTC",
    );
    assertEquals(red.past.map(({ verdict }) => verdict), [
      ...["passed", "failed", "failed", "failed"],
    ]);
    const found = cases(`${directory}/junit.xml`);
    const properties = Object.fromEntries(
      all(found.get("b")!, "property").map((
        { attributes: { name, value } },
      ) => [
        name,
        value,
      ]),
    );
    assertEquals(properties, {
      tag: "slow",
      history: red.trend,
      "history.runs": "4",
      "history.flaky": "0",
      "history.red": "3",
      "history.duration": "2.000",
      "history.redSince": "2025-12-24T00:00:00.000Z",
    });
  }));

Deno.test("a history does not grow without end", () =>
  inFolder(async (folder) => {
    const history = `${folder}/history`;
    addToHistory(
      history,
      Array.from({ length: 300 }, (_, i) => ({
        ...entryOf(result("a", "passed"))!,
        date: newYear - i - 1,
      })),
    );
    writeResults(`${folder}/one`, results([result("a", "passed")]));
    await reportParts([`${folder}/one`], {
      directory: `${folder}/whole`,
      history,
    });
    const lines = Deno.readTextFileSync(history).trim().split("\n");
    assertEquals(lines.length, 100);
    assertEquals(JSON.parse(lines.at(-1)!).date, newYear);
  }));
