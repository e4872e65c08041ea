import { assert, assertEquals } from "@std/assert";
import { configure } from "../../src/cli/configuration.ts";
import { temporaryDirectory } from "./vmwright.ts";

const root = new URL("../../", import.meta.url);

/** The documents for users. */
const DOCUMENTS = [
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "MEASURED.md",
  "SECURITY.md",
  "examples/README.md",
  "examples/GUEST.md",
  "examples/TROUBLESHOOTING.md",
  "nix/FARM.md",
  "nix/README.md",
  "src/report/README.md",
  "src/shell/README.md",
  "src/suite/README.md",
  "wasm/README.md",
];

function read(document: string): string {
  return Deno.readTextFileSync(new URL(document, root));
}

/** Every command of the program in a document's blocks, as its words. */
function commands(document: string): string[][] {
  return [...read(document).matchAll(/^```(?:sh|console)\n([^]*?)^```$/gm)]
    .flatMap(([, block]) => block.replaceAll("\\\n", " ").split("\n"))
    .map((line) => /\bcli\.ts\s+(.*?)\s*(?:[#>].*)?$/.exec(line)?.[1])
    .filter((line) => line !== undefined)
    .map((line) => line.split(/\s+/));
}

Deno.test("the README shows how to run a script", () => {
  assertEquals(commands("README.md").length > 2, true);
});

for (const document of DOCUMENTS) {
  Deno.test(`the links of ${document} lead to files and headings`, () => {
    for (const [, link] of read(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path, heading] = link.split("#");
      const target = new URL(
        path || document.split("/").pop()!,
        new URL(document, root),
      );
      const text = Deno.statSync(target).isFile
        ? Deno.readTextFileSync(target)
        : "";
      if (heading === undefined) continue;
      const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, words]) =>
        words.toLowerCase().replace(/[^\w\s-]/g, "").replaceAll(" ", "-")
      );
      assert(headings.includes(heading), `${link} in ${document}`);
    }
  });
}

for (const args of DOCUMENTS.flatMap(commands)) {
  Deno.test(`a document's command is understood: ${args.join(" ")}`, () => {
    const isFile = (word: string) => /^[^-].*\.\w+$|-vm$/.test(word);
    const names = args.filter(isFile).map((word) => word.replace(/^\.\//, ""));
    using directory = temporaryDirectory(
      Object.fromEntries(names.map((name) => [name, "{}"])),
    );
    const before = Deno.cwd();
    Deno.chdir(directory.path);
    try {
      const { command, machines, script } = configure(args, {
        get: () => undefined,
      });
      if (command === "help") return;
      assertEquals(
        machines.map(({ startCommand }) => startCommand.replace(/^\.\//, "")),
        names.filter((name) => name.endsWith("-vm")),
      );
      assertEquals(script?.path, names.find((name) => /\.(ts|py)$/.test(name)));
    } finally {
      Deno.chdir(before);
    }
  });
}
