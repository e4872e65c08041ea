import { assertEquals } from "@std/assert";
import { historyOf } from "../../src/suite/history.ts";
import { writeReports } from "../../src/suite/write_results.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";
import { readPage } from "../report/read_page.ts";
import { result, results, writeResults } from "./made_results.ts";

Deno.test("the page of a suite with much output has the runs of the worst tests, and links to others", async () => {
  using folder = temporaryDirectory();
  const { path } = folder;
  const whole = results([
    result("a", "passed"),
    result("50%/b", "passed"),
    result("red", "failed"),
  ]);
  writeResults(path, whole);
  const pages = ["tests/a/1", "tests/50%25%2fb/1"];
  for (const page of pages) {
    Deno.writeTextFileSync(`${path}/${page}/report.html`, "its page");
  }
  const events = Deno.statSync(`${path}/tests/red/1/events.jsonl`).size;
  await writeReports(whole, path, {
    history: historyOf([]),
    mostEvents: events,
  });
  const { suite, runs } = readPage(
    Deno.readTextFileSync(`${path}/report.html`),
  ).overview;
  assertEquals(runs.map(({ label }) => label), ["red"]);
  const attempts = suite!.tests.map(({ name, attempts: [one] }) => [
    name,
    one.run ?? one.link,
  ]);
  assertEquals(attempts, [
    ["red", 0],
    ["a", "tests/a/1/report.html"],
    ["50%/b", "tests/50%2525%252fb/1/report.html"],
  ]);
});

Deno.test("an attempt that left nothing has neither a run nor a link", async () => {
  using folder = temporaryDirectory();
  const { path } = folder;
  const attempt = { verdict: "crashed", date: 0, duration: 1 } as const;
  const whole = results([
    result("gone", "crashed", { attempts: [{ ...attempt, directory: "x" }] }),
    result("never", "crashed", { attempts: [attempt] }),
    result("there", "passed"),
  ]);
  writeResults(path, { ...whole, tests: whole.tests.slice(2) });
  const outcome = await writeReports(whole, path, { history: historyOf([]) });
  assertEquals(outcome.passed, false);
  const { suite, runs } = readPage(
    Deno.readTextFileSync(`${path}/report.html`),
  ).overview;
  assertEquals(runs.map(({ label }) => label), ["there"]);
  assertEquals(suite!.tests.slice(0, 2).flatMap((test) => test.attempts), [
    { verdict: "crashed", time: 1e4 },
    { verdict: "crashed", time: 1e4 },
  ]);
});

Deno.test("a broken file of events costs a suite no page", async () => {
  using folder = temporaryDirectory();
  const { path } = folder;
  const whole = results([result("a", "passed"), result("red", "failed")]);
  writeResults(path, whole);
  const broken = `${path}/tests/red/1/events.jsonl`;
  const text = Deno.readTextFileSync(broken);
  // As a disk without room leaves it.
  for (const line of ['{"type":"mess\n', '{"type":"message","time":1}\n']) {
    Deno.writeTextFileSync(broken, text + line + line);
    await writeReports(whole, path, { history: historyOf([]) });
    const { runs } = readPage(
      Deno.readTextFileSync(`${path}/report.html`),
    ).overview;
    assertEquals(runs.map(({ label, verdict }) => [label, verdict]), [
      ["red", "failed"],
      ["a", "passed"],
    ]);
  }
});
