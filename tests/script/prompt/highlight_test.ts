import { assertEquals } from "@std/assert";
import { highlight } from "../../../src/script/prompt/highlight.ts";
import type { Language } from "../../../src/script/language.ts";
import { temporaryDirectory } from "../../cli/vmwright.ts";
import { hasTmux, Tmux } from "../tmux.ts";

const names: Record<string, string> = {
  32: "text",
  90: "comment",
  33: "number",
  36: "keyword",
};

/** The parts of a line that have a colour. */
function parts(line: string, language: Language): string[] {
  const shown = highlight(line, language);
  // deno-lint-ignore no-control-regex
  assertEquals(shown.replace(/\x1b\[\d+m/g, ""), line);
  // deno-lint-ignore no-control-regex
  return [...shown.matchAll(/\x1b\[(\d\d)m([^\x1b]*)\x1b\[39m/g)]
    .map(([, colour, part]) => `${names[colour]} ${part}`);
}

const lines: [Language, string, string[]][] = [
  [
    "typescript",
    "await machine.succeed('echo 5 // x') // await 5",
    ["keyword await", "text 'echo 5 // x'", "comment // await 5"],
  ],
  [
    "typescript",
    "const a1 = x.await + 0x1f, b = /it's/.test(`a ${1} \\` b`)",
    ["keyword const", "number 0x1f", "text /it's/", "text `a ${1} \\` b`"],
  ],
  ["typescript", 'a / 2 / b("no end', ["number 2", 'text "no end']],
  [
    "python",
    "for it in range(10): machine.succeed('# it') # pass",
    [
      "keyword for",
      "keyword in",
      "number 10",
      "text '# it'",
      "comment # pass",
    ],
  ],
];
for (const [language, line, expected] of lines) {
  Deno.test(`colours of ${language}: ${line}`, () => {
    assertEquals(parts(line, language), expected);
  });
}

Deno.test({
  name:
    "a line at the prompt has colours as it is typed, also one of several rows",
  ignore: !hasTmux(),
  async fn() {
    using directory = temporaryDirectory({ "run-a-vm": "#!/bin/sh\n" });
    await using terminal = await Tmux.start({
      command: [
        Deno.execPath(),
        ...["run", "--no-check", "-A"],
        new URL("../../../cli.ts", import.meta.url).pathname,
        ...["--interactive", "--start-scripts", "./run-a-vm", "-o", "."],
      ],
      directory: directory.path,
      env: { XDG_STATE_HOME: directory.path, NO_COLOR: "" },
    });
    await terminal.see(/\n>$/);
    const long = "y".repeat(100);
    await terminal.type(`typeof '${long}' + awaited + await "z`);
    await terminal.see(/awaited \+ await "z$/);
    const seen = await terminal.colours();
    const row = long.slice(0, 80 - "> typeof '".length);
    assertEquals(
      seen.split(/^> /m)[1].trimEnd().replaceAll("\x1b", "^"),
      [
        `^[36mtypeof^[39m ^[32m'${row}`,
        `${long.slice(row.length)}'^[39m + awaited + ^[36mawait^[39m ^[32m"z`,
      ].join("\n"),
    );
    await terminal.press("Left", "Left", "BSpace", "BSpace");
    await terminal.see(/awaited \+ awai"z$/);
    assertEquals((await terminal.colours()).match(/> ?.*typeof/g)?.length, 1);
    await terminal.press("C-c");
    await terminal.enter('"four" + 2');
    await terminal.see(/four2/);
  },
});
