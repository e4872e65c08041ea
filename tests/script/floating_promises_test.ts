import { assertEquals } from "@std/assert";
import { floatingPromises } from "../../src/script/floating_promises.ts";
import { Script } from "../../src/script/script.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";

const names = {
  machines: ["web", "db-1"].map((name) => ({ name, backend: "qemu" as const })),
  vlans: [1],
};

async function found(
  files: Record<string, string>,
  path = "test.ts",
): Promise<string[]> {
  using directory = temporaryDirectory(files);
  const script = new Script({
    path: `${directory.path}/${path}`,
    language: "typescript",
  });
  const promises = await floatingPromises(script, names);
  return promises.map(({ place }) => place.replace(`${directory.path}/`, ""));
}

Deno.test("a script that waits for all that it begins misses no await", async () => {
  const text = `
    "use strict";
    await startAll();
    await Promise.all([web.succeed("true"), db_1.waitForFile("/x")]);
    const later = web.succeed("true"), output = await later;
    assertEquals(output, "");
    let other: Promise<string> | undefined;
    other = web.succeed("true");
    void web.succeed("sleep 1000");
    web.crash().catch(() => {});
    web.crash().then(() => {}, () => {});
    web.crash().catch(() => {}).finally(() => log.info("x"));
    await subtest("one", () => web.succeed("true"));
    if (output) log.info("x"); else log.warning("y");
    declare const anything: any, generic: <T>(value: T) => T;
    anything.begin();
    anything;
    function pass<T>(value: T) { value; generic(value); }
    pass(1);
    assert(other !== undefined);
    (await other).trim();`;
  assertEquals(await found({ "test.ts": text }), []);
});

const forgotten: [string, string, string[]][] = [
  ["a command", "web.succeed('true');", ["1:1"]],
  ["the start", "\n  startAll()\n", ["2:3"]],
  [
    "a command in a subtest, and the subtest",
    "subtest('é', async () => {\n  web.succeed('true')\n});",
    ["1:1", "2:3"],
  ],
  [
    "branches of an if",
    "if (vlans.length > 3) web.start(); else db_1.start();",
    ["1:23", "1:41"],
  ],
  ["two in a line", "const x = '💡';web.start();db_1.start()", [
    "1:16",
    "1:28",
  ]],
  [
    "a value that may be a promise",
    "vlans.length > 3 && web.start();\nmachines[0]?.start();\nvlans.length > 3 ? 1 : web.start();",
    ["1:1", "2:1", "3:1"],
  ],
  [
    "a promise whose failure nobody looks at",
    "web.crash().then(() => {});\nweb.crash().finally(() => {});",
    ["1:1", "2:1"],
  ],
  ["a loop's body", "for (const one of machines) one.start();", ["1:29"]],
  [
    "a command of several lines that ends without a semicolon",
    "web\n  .succeed(`\n    true\n  `)\nawait web.start()",
    ["1:1"],
  ],
];
// One check of all of them, as each takes a second or two.
Deno.test("an await that is missing is found", async (t) => {
  const text = forgotten.map(([, part]) => part).join("\n");
  const all = (await found({ "test.ts": text })).map((place) => {
    const [, line, column] = place.split(":").map(Number);
    return { line, column };
  });
  let before = 0;
  for (const [name, part, places] of forgotten) {
    const first = before;
    before += part.split("\n").length;
    await t.step(`before ${name}`, () => {
      const own = all.filter(({ line }) => line > first && line <= before);
      assertEquals(
        own.map(({ line, column }) => `${line - first}:${column}`),
        places,
      );
    });
  }
});

Deno.test("a missing await is found in a file without an extension, that imports another", async () => {
  const files = {
    "lib/h.ts": "export const boot = () => web.start();",
    "script": "import { boot } from './lib/h.ts';\nboot();",
  };
  // There, no project has options of its own, which would need a cold check.
  const before = Deno.cwd();
  Deno.chdir("/");
  try {
    assertEquals(await found(files, "script"), ["script:2:1"]);
  } finally {
    Deno.chdir(before);
  }
});

Deno.test("a missing await is found before what the script's project imports by another name", async () => {
  const files = {
    "deno.json": JSON.stringify({ imports: { "#boot": "./lib/boot.ts" } }),
    "lib/boot.ts": "export const boot = () => web.start();",
    "test.ts": "import { boot } from '#boot';\nboot();",
  };
  assertEquals(await found(files), ["test.ts:2:1"]);
});
