import { assertEquals } from "@std/assert";
import { configure } from "../../src/cli/configuration.ts";
import { temporaryDirectory } from "./vmwright.ts";

const root = new URL("../../", import.meta.url);

/** Every command of the program in a document's blocks, as its words. */
function commands(document: string): string[][] {
  const text = Deno.readTextFileSync(new URL(document, root));
  return [...text.matchAll(/^```sh\n([^]*?)^```$/gm)]
    .flatMap(([, block]) => block.replaceAll("\\\n", " ").split("\n"))
    .map((line) => /\bcli\.ts\s+(.*?)\s*(?:#.*)?$/.exec(line)?.[1])
    .filter((line) => line !== undefined)
    .map((line) => line.split(/\s+/));
}

const shown = commands("README.md");

Deno.test("the README shows how to run a script", () => {
  assertEquals(shown.length > 2, true);
});

for (const args of shown) {
  Deno.test(`the README's command is understood: ${args.join(" ")}`, () => {
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
