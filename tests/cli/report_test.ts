import { assertEquals, assertStringIncludes } from "@std/assert";
import { temporaryDirectory, vmwright } from "./vmwright.ts";

const events = [
  { format: "vmwright-events", version: 1 },
  { type: "runBegan", time: 0, date: 0, name: "made.ts", about: {} },
  { type: "runEnded", time: 1, verdict: "passed" },
].map((event) => `${JSON.stringify(event)}\n`).join("");

Deno.test("report makes the page of events, and the directory that it goes to", async () => {
  using directory = temporaryDirectory({ "events.jsonl": events });
  const page = `${directory.path}/a/new/report.html`;
  const { code, stdout, stderr } = await vmwright(
    ["report", "events.jsonl", "-o", "a/new"],
    { cwd: directory.path },
  );
  assertEquals([code, stdout, stderr], [0, `${page}\n`, ""]);
  assertStringIncludes(Deno.readTextFileSync(page), "made.ts");
});
