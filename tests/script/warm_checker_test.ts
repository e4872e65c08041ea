import { assert, assertEquals } from "@std/assert";
import { checkTypes } from "../../src/script/check_types.ts";
import { Script } from "../../src/script/script.ts";
import { WarmChecker } from "../../src/script/warm_checker.ts";
import { languageServers } from "./language_servers.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";

const names = {
  machines: ["web", "db-1"].map((name) => ({ name, backend: "qemu" as const })),
  vlans: [1],
};

const wrong = {
  "test.ts": `import { h } from "./lib/h.ts";
if (h) {
  web.succed("x");
}
const x: { a: { b: string } } = { a: { b: 1 } };
assertEquals(1); web.nope; // x is used
x;`,
  "lib/h.ts": "web.startt;\nexport const h = 1;",
};

/** Files that replace others, and whether a warm checker finds the errors. */
const changes: [
  what: string,
  files: Record<string, string>,
  found: string[] | "what a cold check finds",
][] = [
  ["mistakes in two files", wrong, "what a cold check finds"],
  [
    "an import that is mended, and a script that is not",
    { "test.ts": "import './lib/h.ts'; web.nope;", "lib/h.ts": "web.start();" },
    ["Property 'nope' does not exist on type 'Machine<QemuMachine>'."],
  ],
  [
    "a mistake in the syntax",
    { "test.ts": "1;\n  const = 5;\n" },
    ["SyntaxError: Unexpected token `=`. Expected yield, an identifier, [ or {"],
  ],
  [
    "an import by another name, whose file is wrong",
    { "test.ts": "import '#n';", "n.ts": "web.n;" },
    ["Property 'n' does not exist on type 'Machine<QemuMachine>'."],
  ],
  ["a right script", { "test.ts": "await db_1.succeed('true');" }, []],
];

Deno.test("a warm checker finds the same as a cold one, also when it has ended", async () => {
  using directory = temporaryDirectory({
    "deno.json": `{ "imports": { "#n": "./n.ts" } }`,
    "test.ts": "",
    "lib/h.ts": "",
  });
  const path = `${directory.path}/test.ts`;
  const script = new Script({ path, language: "typescript" });
  await using checker = new WarmChecker(names);
  await checker.check(script);
  await checker.warmed;
  assert(checker.isWarm, "there is no warm checker");
  for (const [what, files, expected] of changes) {
    for (const [name, text] of Object.entries(files)) {
      Deno.writeTextFileSync(`${directory.path}/${name}`, text);
    }
    const found = await checker.check(script);
    if (typeof expected === "string") {
      assertEquals(found, await checkTypes(script, names), what);
      assertEquals(found.length, 5, what);
    } else {
      assertEquals(found.map(({ message }) => message), expected, what);
    }
  }

  const [server, ...more] = languageServers(Deno.pid);
  assertEquals(more, []);
  Deno.kill(server, "SIGKILL");
  Deno.writeTextFileSync(path, "web.nope;");
  const [{ place }] = await checker.check(script);
  assertEquals(place, `${path}:1:5`);
});
