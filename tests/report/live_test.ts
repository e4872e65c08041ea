/** What a person sees at a terminal while a test runs. */
import { assertEquals, assertMatch } from "@std/assert";
import { hasTmux, Tmux } from "../script/tmux.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";

const cli = new URL("../../cli.ts", import.meta.url).pathname;

function atTerminal(
  directory: string,
  script: string,
  args: string[] = [],
): Promise<Tmux> {
  return Tmux.start({
    command: [
      ...[Deno.execPath(), "run", "--no-check", "-A", cli, "--no-check"],
      ...[
        "--start-scripts",
        "./run-web-vm",
        "--no-html",
        ...args,
        "--",
        script,
      ],
    ],
    directory,
    // This may be run where one of them is set.
    env: {
      NO_COLOR: "1",
      XDG_RUNTIME_DIR: directory,
      GITHUB_ACTIONS: "",
      GITLAB_CI: "",
    },
  });
}

const files = { "run-web-vm": "#!/bin/sh\nexec sleep 600\n" };
const ignore = !hasTmux();

Deno.test({
  name:
    "a terminal shows what is done now below what is over, and nothing of it in the end",
  ignore,
  async fn() {
    using directory = temporaryDirectory({
      ...files,
      "test.ts": `await log.nested("first", () => {});
await subtest("outer", () => log.nested("inner", async () => {
  console.log("from the script");
  log.consoleLine("web", "a console's line");
  while (true) {
    if (await Deno.stat("go").then(() => true, () => false)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("enough");
}));
`,
    });
    await using terminal = await atTerminal(directory.path, "test.ts");
    await terminal.see(/^ *outer|^inner \d+ s$/m);
    await terminal.see(
      /^✓ first \(\d\.\d\d s\)\nfrom the script\nsubtest: outer \d+ s\ninner \d+ s$/m,
    );
    assertEquals(
      (await terminal.screen()).split("\n").some((line) =>
        line.startsWith("web # ")
      ),
      false,
    );
    Deno.writeTextFileSync(`${directory.path}/go`, "");
    await terminal.see(/^left with status 1$/m);
    const screen = await terminal.screen();
    assertMatch(screen, /^ *✗ inner \(\d+\.\d\d s\)$/m);
    assertMatch(screen, /^✗ subtest: outer \(\d+\.\d\d s\)$/m);
    assertEquals(/ \d+ s$/m.test(screen), false, screen);
  },
});

Deno.test({
  name: "Python's output stands above the lines of the present",
  ignore,
  async fn() {
    using directory = temporaryDirectory({
      ...files,
      "test.py": `import time, os
with subtest("outer"):
    while not os.path.exists("go"):
        time.sleep(0.4)
        print("one"); print("two")
`,
    });
    await using terminal = await atTerminal(directory.path, "test.py");
    await terminal.see(/one\ntwo\none\ntwo\n[^]*^subtest: outer \d+ s$/m);
    Deno.writeTextFileSync(`${directory.path}/go`, "");
    await terminal.see(/^left with status 0$/m);
    const lines = (await terminal.screen()).split("\n");
    const printed = lines.filter((line) => /one|two/.test(line));
    assertEquals(printed.every((line) => /^(one|two)$/.test(line)), true);
  },
});

Deno.test({
  name: "--on-failure shell stops a script that fails with a prompt",
  ignore,
  async fn() {
    using directory = temporaryDirectory({
      ...files,
      "test.ts": `await subtest("outer", () => { throw new RangeError("no"); });
`,
    });
    await using terminal = await atTerminal(
      directory.path,
      "test.ts",
      ["--on-failure", "shell"],
    );
    await terminal.see(
      /^test\.ts:1:\d+\n> 1 \| await subtest\("outer"[^]*^RangeError: no$[^]*^failure: Ctrl-D lets the run end\n>$/m,
    );
    await terminal.enter("help(machines[0].waitForUnit)");
    await terminal.see(/^waitForUnit\(unit: string/m);
    await terminal.enter("1 + machines.length");
    await terminal.see(/^2$/m);
    await terminal.press("C-d");
    await terminal.see(/^!!! RangeError: no$[^]*^left with status 1$/m);
  },
});
