import { assert, assertEquals } from "@std/assert";
import { readHistory } from "../../src/suite/history.ts";
import { SuiteFolder } from "./stand_ins.ts";

/** Random numbers from a seed: see mulberry32. */
function randomFrom(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 2 ** 32 * below);
  };
}

/** What a test may do, and what has to come of it. */
const kinds: Record<string, { test: object; verdict: string }> = {
  green: { test: { script: "passes.ts" }, verdict: "passed" },
  python: { test: { script: "passes.py" }, verdict: "passed" },
  red: { test: { script: "fails.ts" }, verdict: "failed" },
  flaky: { test: { script: "flaky.ts", retries: 1 }, verdict: "flaky" },
  hanging: { test: { script: "hangs.ts", timeout: 1 }, verdict: "timeout" },
  crashing: { test: { script: "crashes.ts" }, verdict: "crashed" },
  // Somebody kills it in the middle.
  killed: { test: { script: "waits.ts" }, verdict: "crashed" },
};

/** How the suite ends: by itself, or the runner is killed in the middle. */
const ends = ["by itself", "by itself", "SIGKILL", "SIGTERM"] as const;

const first = Number(Deno.env.get("SEED") ?? NaN);
const seeds = Number.isNaN(first)
  ? crypto.getRandomValues(new Uint32Array(10))
  : [first];

Deno.test("ten random suites end as their tests do, and leave nothing", async () => {
  const left = [...seeds];
  const worker = async () => {
    for (let seed; (seed = left.pop()) !== undefined;) {
      await runRandomSuite(seed);
    }
  };
  // They wait most of the time.
  await Promise.all(Array.from({ length: 4 }, worker));
});

async function runRandomSuite(seed: number): Promise<void> {
  const random = randomFrom(seed);
  const names = Object.keys(kinds);
  const chosen = Array.from({ length: 2 + random(3) }, (_, at) => {
    const kind = names[random(names.length)];
    return { name: `${kind} ${at}`, kind };
  });
  const end = ends[random(ends.length)];
  if (end !== "by itself") {
    chosen.push({ name: "killed last", kind: "killed" });
  }
  using suite = new SuiteFolder(Object.fromEntries(
    chosen.map(({ name, kind }) => [
      name,
      { ...kinds[kind].test, env: { NAME: name, FLAG: name } },
    ]),
  ));
  const workers = 1 + random(3);
  const story = `SEED=${seed}: ${
    chosen.map(({ name }) => name).join(", ")
  }; ${end}; ${workers} workers`;
  const runner = suite.begin(["--workers", `${workers}`]);
  const output = runner.output();
  const over = new AbortController();
  output.then(() => over.abort());
  let isKilled = false;
  const killing = chosen.filter(({ kind }) => kind === "killed").map(
    async ({ name }) => {
      const pid = await suite.waiting(name, over.signal);
      if (pid === undefined || isKilled) return;
      if (name === "killed last" && end !== "by itself") {
        isKilled = true;
        runner.kill(end);
      } else Deno.kill(pid, "SIGKILL");
    },
  );
  const { code, stderr } = await output;
  await Promise.all(killing);
  await suite.assertNothingLeft();

  const expected = Object.fromEntries(
    chosen.map(({ name, kind }) => [name, kinds[kind].verdict]),
  );
  const said = `${story}\n${new TextDecoder().decode(stderr)}`;
  const found = suite.verdicts();
  assertEquals(Object.keys(found), Object.keys(expected), said);
  for (const [name, verdict] of Object.entries(found)) {
    if (isKilled && verdict === "unfinished") continue;
    assertEquals(verdict, expected[name], `${name}; ${said}`);
  }
  const history = readHistory(`${suite.path}/vmwright-results/history`);
  for (const [name, entries] of history) {
    assertEquals(
      entries.map(({ verdict }) => verdict),
      [expected[name]],
      said,
    );
  }
  if (isKilled) {
    assertEquals(found["killed last"], "unfinished", said);
    if (end === "SIGTERM") assertEquals(code, 143, said);
    else assert(code !== 0, said);
  } else {
    assertEquals(history.size, chosen.length, said);
    const isGood = Object.values(expected).every((verdict) =>
      verdict === "passed" || verdict === "flaky"
    );
    assertEquals(code, isGood ? 0 : 1, said);
  }
}
