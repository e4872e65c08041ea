import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { readResults } from "../../src/suite/results.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";
import { readPage } from "../report/read_page.ts";
import { twentyTests } from "./twenty_tests.ts";

const root = new URL("../../", import.meta.url).pathname;

/** The one command of a workflow that begins so. */
function commandOf(workflow: string, beginning: string): string {
  const text = Deno.readTextFileSync(`${root}examples/workflows/${workflow}`);
  const lines = text.match(new RegExp(`(?<=- (run: )?)${beginning} .*`, "g"));
  assertEquals(lines?.length, 1, workflow);
  return lines![0];
}

/** A checkout of a project with the twenty tests, and the program `vmwright`. */
function project(path: string): Record<string, string> {
  const tests = twentyTests.map(({ name, script, timeout, retries }) => {
    Deno.writeTextFileSync(`${path}/${name}.ts`, script);
    return [name, { script: `${name}.ts`, timeout, retries }];
  });
  Deno.writeTextFileSync(
    `${path}/vmwright.suite.json`,
    JSON.stringify({
      name: "house",
      defaults: { options: ["--no-check"] },
      tests: Object.fromEntries(tests),
    }),
  );
  Deno.mkdirSync(`${path}/bin`);
  Deno.writeTextFileSync(
    `${path}/bin/vmwright`,
    `#!/bin/sh\nexec ${Deno.execPath()} run --no-check -A ${root}cli.ts "$@"\n`,
    { mode: 0o755 },
  );
  return { PATH: `${path}/bin:${Deno.env.get("PATH")}`, NO_COLOR: "1" };
}

async function sh(
  command: string,
  cwd: string,
  env: Record<string, string>,
): Promise<{ code: number; said: string }> {
  const { code, stderr } = await new Deno.Command("sh", {
    args: ["-c", command],
    cwd,
    env,
    stdin: "null",
    stdout: "null",
  }).output();
  return { code, said: new TextDecoder().decode(stderr) };
}

Deno.test("twenty tests over three shards, by the commands of the workflows, give one verdict and one page", async () => {
  using folder = temporaryDirectory();
  const { path } = folder;
  const env = project(path);
  Deno.writeTextFileSync(`${path}/history`, "");
  const shard = commandOf("github.yml", "vmwright test");
  const report = commandOf("gitlab.yml", "vmwright report");
  assertEquals(commandOf("github.yml", "vmwright report"), report);

  for (const index of [1, 2, 3]) {
    // Each host has the same history, and not what the others add to theirs.
    Deno.writeTextFileSync(`${path}/history`, "");
    const { code, said } = await sh(shard, path, {
      ...env,
      SHARD: `${index}/3`,
    });
    assert(code === 0 || code === 1, said);
    Deno.mkdirSync(`${path}/shards`, { recursive: true });
    Deno.renameSync(`${path}/results`, `${path}/shards/${index}`);
  }
  Deno.writeTextFileSync(`${path}/history`, "");
  const markdown = `${path}/summary.md`;
  const { code, said } = await sh(report, path, {
    ...env,
    GITHUB_ACTIONS: "true",
    GITHUB_STEP_SUMMARY: markdown,
    CI_PROJECT_DIR: path,
  });
  assertEquals(code, 1, said);
  assertMatch(
    Deno.readTextFileSync(markdown),
    /^### ❌ house: 2 failed, .*\n[^]*\n\| ❌ \| killed \| crashed \|/,
  );
  assertStringIncludes(
    said,
    "20 tests: 2 failed, 1 timeout, 1 crashed, 1 flaky, 15 passed",
  );
  const { tests } = readResults(`${path}/whole`)!;
  assertEquals(
    tests.map(({ name, verdict }) => [name, verdict]),
    twentyTests.map(({ name, verdict }) => [name, verdict]),
  );
  const { suite, runs } = readPage(
    Deno.readTextFileSync(`${path}/whole/report.html`),
  ).overview;
  assertEquals(suite!.tests.length, 20);
  // Of each attempt, of which there are two of the flaky test.
  assertEquals(runs.length, 21);
  // As GitLab wants them.
  assertMatch(
    Deno.readTextFileSync(`${path}/whole/junit.xml`),
    /\[\[ATTACHMENT\|shards\/\d\/tests\/red\/1\/report\.html\]\]/,
  );
  const history = Deno.readTextFileSync(`${path}/history`).trim().split("\n");
  assertEquals(history.length, 20);

  // What the shards ran follows from that history next time; without one of
  // them the report says so.
  Deno.removeSync(`${path}/shards/2`, { recursive: true });
  const lost = await sh(report, path, env);
  assertEquals(lost.code, 1);
  assertStringIncludes(lost.said, "shard 2/3 never reported");
});

Deno.test("the commands of the pipeline for GitLab name what a shard has there", () => {
  assertEquals(
    commandOf("gitlab.yml", "vmwright test"),
    commandOf("github.yml", "vmwright test")
      .replace("$SHARD", "$CI_NODE_INDEX/$CI_NODE_TOTAL")
      .replace("-o results", '-o "shards/$CI_NODE_INDEX"'),
  );
});
