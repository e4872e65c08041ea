import { assertEquals, assertThrows } from "@std/assert";
import { parseArguments } from "../../src/cli/arguments.ts";
import { UsageError } from "../../src/errors.ts";

const understood: [string, string, ReturnType<typeof parseArguments>][] = [
  ["nothing", "", { options: {}, words: [] }],
  ["a script", "test.ts", { options: {}, words: ["test.ts"] }],
  [
    "a list takes all words up to the next option",
    "--start-scripts a b --vlans 1 2",
    { options: { startScripts: ["a", "b"], vlans: ["1", "2"] }, words: [] },
  ],
  [
    "a list may be repeated, and be given by =",
    "--vlans 1 --vlans=2 --vlans 3 4",
    { options: { vlans: ["1", "2", "3", "4"] }, words: [] },
  ],
  [
    "a list may be empty",
    "--vlans --interactive",
    { options: { vlans: [], interactive: true }, words: [] },
  ],
  [
    "a list of numbers ends before a path",
    "--vlans 1 2 ./script",
    { options: { vlans: ["1", "2"] }, words: ["./script"] },
  ],
  [
    "a list of start scripts ends before a test script",
    "--start-scripts a b web.ts --vlans 1",
    { options: { startScripts: ["a", "b"], vlans: ["1"] }, words: ["web.ts"] },
  ],
  [
    "a value by = belongs to its list, whatever it is named",
    "--start-scripts=vm.py --vlans=a.ts",
    { options: { startScripts: ["vm.py"], vlans: ["a.ts"] }, words: [] },
  ],
  [
    "-- ends a list, and all options",
    "--start-scripts a -- -x.ts --help",
    { options: { startScripts: ["a"] }, words: ["-x.ts", "--help"] },
  ],
  [
    "the last of several values counts",
    "--global-timeout 1 --global-timeout=2",
    { options: { globalTimeout: "2" }, words: [] },
  ],
  [
    "a value may be empty, hold =, or be a negative number",
    "--html= --junit-xml=a=b --global-timeout -5",
    {
      options: { html: "", junitXml: "a=b", globalTimeout: "-5" },
      words: [],
    },
  ],
  [
    "short options, apart and together",
    "-K -I -o out",
    {
      options: { keepState: true, interactive: true, outputDir: "out" },
      words: [],
    },
  ],
  [
    "short options in one word, with their value",
    "-KIoout",
    {
      options: { keepState: true, interactive: true, outputDir: "out" },
      words: [],
    },
  ],
  [
    "upstream's spellings",
    "--output_directory out --keep-vm-state",
    { options: { outputDir: "out", keepState: true }, words: [] },
  ],
  [
    "upstream's newer spellings",
    "--output-dir out --keep-machine-state --junit-xml j.xml",
    {
      options: { outputDir: "out", keepState: true, junitXml: "j.xml" },
      words: [],
    },
  ],
  [
    "an option can be taken back",
    "--interactive --no-interactive --no-check --no-html",
    { options: { interactive: false, check: false, html: false }, words: [] },
  ],
  [
    "the beginning of a name, as argparse has it",
    "--start a --glob 5 --keep-v",
    {
      options: { startScripts: ["a"], globalTimeout: "5", keepState: true },
      words: [],
    },
  ],
];

for (const [name, line, expected] of understood) {
  Deno.test(`arguments: ${name}`, () => {
    const args = line === "" ? [] : line.split(" ");
    assertEquals(parseArguments(args), expected);
  });
}

const refused: [string, string][] = [
  ["--vlanz 1", "unknown option --vlanz; did you mean --vlans?"],
  ["--ouput-dir x", "unknown option --ouput-dir; did you mean --output-dir?"],
  ["--frobnicate", "unknown option --frobnicate; vmwright --help lists all"],
  ["-x", "unknown option -x; vmwright --help lists all"],
  ["-Kx", "unknown option -Kx; vmwright --help lists all"],
  ["--config", "--config expects a value (--config F)"],
  ["-o --watch", "-o expects a value (-o DIR)"],
  ["--watch=1", `--watch takes no value, got "1"`],
  ["--no-interactive=1", `--no-interactive takes no value, got "1"`],
  [
    "--keep",
    "option --keep is ambiguous: it could be --keep-vm-state or --keep-machines or --keep-going",
  ],
];

for (const [line, message] of refused) {
  Deno.test(`arguments: ${line} is refused`, () => {
    const error = assertThrows(() => parseArguments(line.split(" ")));
    assertEquals(error instanceof UsageError, true);
    assertEquals((error as Error).message, message);
  });
}
