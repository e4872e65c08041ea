import { assertEquals, assertMatch } from "@std/assert";
import type { RunEvent } from "../../src/report/mod.ts";
import { temporaryDirectory, vmwright } from "../cli/vmwright.ts";
import { guest } from "../guests/mod.ts";

/** The state of the fork's machine is there, with what the subtest has done. */
function assertKept(out: string): void {
  assertEquals(evidenceIn(out), [
    "tiny~1-failed-journal.txt",
    "tiny~1-failed.png",
    "tiny~1-failed.txt",
  ]);
  assertMatch(
    Deno.readTextFileSync(`${out}/tiny~1-failed.txt`),
    /^==> tty1\n[^]*^changed$/m,
  );
}

Deno.test("a subtest that fails on a fork keeps the state of the fork's machines, under their names", async () => {
  const { startScript } = await guest("tiny");
  using directory = temporaryDirectory({
    "test.ts": `await tiny.start();
const ready = await snapshot();
await subtest("fails", { from: ready }, async ({ tiny }, fork) => {
  await tiny.succeed("echo changed >/dev/tty1");
  await tiny.link(fork.vlans[0]).set({ loss: 0.1 });
  await tiny.fail("true");
});
`,
  });
  const { code, stderr } = await vmwright(
    [
      ...["test.ts", "--start-scripts", startScript, "--no-check"],
      ...["--vlans", "1"],
      ...["-o", "out", "--events", "events.jsonl"],
    ],
    { cwd: directory.path },
  );
  assertEquals(code, 1, stderr);
  assertMatch(stderr, /^!!! test\.ts:6:\d+$/m);
  const out = `${directory.path}/out`;
  assertKept(out);
  const events = Deno.readTextFileSync(`${out}/events.jsonl`).trim()
    .split("\n").map((line): RunEvent => JSON.parse(line));
  const lanes = (type: RunEvent["type"]) =>
    events.flatMap((event) => event.type === type ? [event.machine] : []);
  assertEquals(lanes("machineStarted"), ["tiny", "tiny~1"]);
  assertEquals(lanes("screenshot"), ["tiny~1"]);
  assertEquals(lanes("intervalBegan"), ["tiny~1"]);
  const ends = events.flatMap((event) =>
    event.type === "mark" && event.kind === "end" ? [event.machine] : []
  );
  assertEquals(ends, ["tiny~1", "tiny"]);
});

Deno.test("a subtest in Python on a fork keeps the state of the fork's machines", async (t) => {
  const { startScript } = await guest("tiny");
  /** Runs a test whose subtest ends so. Returns the output directory. */
  async function run(
    directory: { path: string },
    { statement, exitCode }: { statement: string; exitCode: number },
  ): Promise<string> {
    Deno.writeTextFileSync(
      `${directory.path}/test.py`,
      `import sys
tiny.start()
ready = snapshot()
with subtest("ends", from_=ready):
    tiny.succeed("echo changed >/dev/tty1")
    ${statement}
`,
    );
    const { code, stderr } = await vmwright(
      ["test.py", "--start-scripts", startScript, "--no-check", "-o", "out"],
      { cwd: directory.path },
    );
    assertEquals(code, exitCode, stderr);
    return `${directory.path}/out`;
  }

  await t.step("if it fails", async () => {
    using directory = temporaryDirectory({});
    const statement = 'tiny.fail("true")';
    assertKept(await run(directory, { statement, exitCode: 1 }));
  });

  await t.step("if it exits with a status other than zero", async () => {
    using directory = temporaryDirectory({});
    assertKept(await run(directory, { statement: "sys.exit(3)", exitCode: 3 }));
  });

  await t.step("and not if it ends the run well", async () => {
    using directory = temporaryDirectory({});
    const out = await run(directory, { statement: "exit()", exitCode: 0 });
    assertEquals(evidenceIn(out), []);
  });
});

Deno.test("a script with a driver of its own keeps the state of a fork's machines, too", async () => {
  const { startScript } = await guest("tiny");
  using directory = temporaryDirectory({});
  const script = `
const driver = await Driver.create({ machines: ["${startScript}"] });
await driver.startAll();
const ready = await driver.snapshot();
await driver.subtest("fails", { from: ready }, ({ tiny }) => tiny.fail("true"));
`;
  const { code, stderr } = await vmwright(["eval", "-o", "out", "--", script], {
    cwd: directory.path,
  });
  assertEquals(code, 1, stderr);
  assertEquals(evidenceIn(`${directory.path}/out`), [
    "tiny~1-failed-journal.txt",
    "tiny~1-failed.png",
    "tiny~1-failed.txt",
  ]);
});

Deno.test("a subtest on a fork that ends the run well keeps nothing of it", async () => {
  const { startScript } = await guest("tiny");
  using directory = temporaryDirectory({
    "test.ts": `await tiny.start();
const ready = await snapshot();
await subtest("exits", { from: ready }, () => Deno.exit(0));
`,
  });
  const { code, stderr } = await vmwright(
    ["test.ts", "--start-scripts", startScript, "--no-check", "-o", "out"],
    { cwd: directory.path },
  );
  assertEquals(code, 0, stderr);
  assertEquals(evidenceIn(`${directory.path}/out`), []);
});

/** The names of the files of evidence in a directory. */
function evidenceIn(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name)
    .filter((name) => name.includes("-failed")).sort();
}
