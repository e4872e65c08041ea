import { assert, assertEquals } from "@std/assert";
import { ResultsDirectory } from "../../src/suite/results_directory.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";
import * as made from "./made_results.ts";

Deno.test("the next suite removes the files of earlier attempts, and nothing else", () => {
  const attempts = [
    "tests/web/1",
    "tests/web/2",
    "tests/own/1",
    "../elsewhere",
    "tests/../../elsewhere",
    "tests/web",
    "/tests/web/1",
  ];
  const results = made.results([
    made.result("web", "failed", {
      attempts: attempts.map((directory) => ({
        verdict: "failed",
        directory,
        date: made.newYear,
        duration: 1,
      })),
    }),
  ]);
  using folder = temporaryDirectory({
    "out/suite.json": JSON.stringify(results),
    "out/tests/web/1/output.txt": "",
    "out/tests/web/1/report.html": "",
    "out/tests/web/2/output.txt": "",
    "out/tests/output.txt": "",
    "out/tests/web/output.txt": "",
    "out/tests/own/1/mine": "",
    "elsewhere/output.txt": "",
  });
  const path = `${folder.path}/out`;
  using _directory = new ResultsDirectory(path, () => results);
  const isThere = (name: string) => {
    try {
      Deno.lstatSync(`${folder.path}/${name}`);
      return true;
    } catch {
      return false;
    }
  };
  assert(!isThere("out/tests/web/1"));
  assert(!isThere("out/tests/web/2"));
  assertEquals(
    [
      "out/tests/web/output.txt",
      "out/tests/output.txt",
      "out/tests/own/1/mine",
      "elsewhere/output.txt",
    ].filter((name) => !isThere(name)),
    [],
  );
});
