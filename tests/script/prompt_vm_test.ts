import { assert, assertStringIncludes } from "@std/assert";
import { temporaryDirectory } from "../cli/vmwright.ts";
import { guest } from "../guests/mod.ts";
import { hasTmux, Tmux } from "./tmux.ts";

const root = new URL("../../", import.meta.url).pathname;

/** Steps that stand on each other: nothing comes after one that failed. */
function stepOf(t: Deno.TestContext) {
  return async (name: string, fn: () => Promise<void>) => {
    assert(await t.step(name, fn), `${name}: failed`);
  };
}

/** The program with a prompt at a terminal. */
async function prompt(directory: string, ...args: string[]): Promise<Tmux> {
  const { startScript } = await guest("tiny");
  return await Tmux.start({
    command: [
      Deno.execPath(),
      ...["run", "--no-check", "-A", `${root}cli.ts`],
      ...["--interactive", "--start-scripts", startScript],
      ...["-o", directory, "--no-html", ...args],
    ],
    directory,
    env: { NO_COLOR: "1", XDG_STATE_HOME: `${directory}/state` },
  });
}

Deno.test({
  name: "the prompt at a terminal",
  ignore: !hasTmux(),
  fn: async (t) => {
    const step = stepOf(t);
    using directory = temporaryDirectory({
      "test.ts": `await machine.succeed("true");
const secret = 6 * 7;
await debug.breakpoint({ secret });
await machine.succeed("echo went on >&2");
await machine.fail("true");
`,
    });
    {
      await using terminal = await prompt(
        directory.path,
        `${directory.path}/test.ts`,
      );
      await step("says what there is", async () => {
        await terminal.see(
          /machines: tiny\n.*testScript\(\)[^]*Ctrl-D leaves\n>$/,
        );
      });
      await step("keeps declarations, and shows results", async () => {
        await terminal.enter("const half: number = await Promise.resolve(21)");
        await terminal.enter("({ whole: half * 2 })");
        await terminal.see(/\n\{ whole: 42 \}\n>$/);
      });
      await step("takes an input of several lines", async () => {
        await terminal.enter("[half,");
        await terminal.see(/\n\.\.\.$/);
        await terminal.enter("half].length");
        await terminal.see(/\n2\n>$/);
      });
      await step("drops an input on Ctrl-C", async () => {
        await terminal.enter("f(");
        await terminal.see(/\n\.\.\.$/);
        await terminal.press("C-c");
        await terminal.see(/\^C\n>$/);
      });
      await step(
        "completes names, methods and their other spellings",
        async () => {
          for (
            const [begun, completed] of [
              ["hal", "half"],
              ["machine.waitForUn", "machine.waitForUnit"],
              ["machine.wait_for_un", "machine.wait_for_unit"],
              ["await tiny.shellIn", "await tiny.shellInteract"],
            ]
          ) {
            await terminal.type(begun);
            await terminal.see(new RegExp(`\n> ${begun}$`));
            await terminal.press("Tab");
            await terminal.see(new RegExp(`\n> ${completed}$`));
            await terminal.press("C-c");
            await terminal.see(/\^C\n>$/);
          }
        },
      );
      await step("finds what was typed before by Ctrl-R", async () => {
        await terminal.clear();
        await terminal.enter("'first ' + 1");
        await terminal.enter("'second ' + 2");
        await terminal.see(/second 2/);
        await terminal.press("C-r");
        await terminal.type("first");
        await terminal.see(/^\(search\) first: 'first ' \+ 1$/m);
        await terminal.press("C-g");
        await terminal.see(/\n>$/);
        await terminal.press("C-r");
        await terminal.type("' +");
        await terminal.see(/^\(search\) ' \+: 'second ' \+ 2$/m);
        await terminal.press("C-r");
        await terminal.see(/^\(search\) ' \+: 'first ' \+ 1$/m);
        await terminal.clear();
        await terminal.press("Enter");
        await terminal.see(/first 1/);
      });
      await step("helps, and guesses what was meant", async () => {
        await terminal.clear();
        await terminal.enter("help(machine.waitForUnit)");
        await terminal.see(/^waitForUnit\(unit: string/m);
        await terminal.enter("machine.waitForUnti('x')");
        await terminal.see(/^did you mean machine\.waitForUnit\?$/m);
      });
      await step("shows the log above what is being typed", async () => {
        await terminal.clear();
        await terminal.enter(
          "const timer = setInterval(() => log.info('tick'), 20)",
        );
        await terminal.type("half a line");
        await terminal.see(/\ntick\ntick\n> half a line$/);
        await terminal.press("C-c");
        await terminal.enter("clearInterval(timer); 'no ' + 'more'");
        await terminal.see(/"no more"\n>$/);
      });
      await step("starts a machine for a command", async () => {
        // Later messages of the kernel would interrupt the expected text.
        await terminal.enter(
          'machine.succeed("dmesg -n 1; echo is quiet >/dev/ttyS0")',
        );
        await terminal.see(/^tiny # is quiet$/m);
        await terminal.see(/^""\n[^]*>$/m);
      });
      await step("interrupts a wait, and not the session", async () => {
        await terminal.enter("await machine.waitForFile('/never')");
        await terminal.see(/^tiny: waiting for file '\/never'$/m);
        await terminal.press("C-c");
        await terminal.see(/\ninterrupted\n>$/);
        await terminal.enter('machine.succeed("echo still $((6 * 7))")');
        await terminal.see(/\nstill 42\n>$/);
      });
      await step("shows why something failed", async () => {
        await terminal.enter('machine.succeed("exit 3")');
        await terminal.see(/\nTestFailure: .*\(exit code 3\)[^>]*\n>$/);
      });

      await step("connects a terminal of the guest", async () => {
        await terminal.clear();
        await terminal.enter("await machine.shellInteract()");
        await terminal.see(/Ctrl-\] leaves it\nbash.*#$/);
        await terminal.enter("tty; stty size");
        await terminal.see(/\n\/dev\/hvc1\n24 80\n/);
      });
      await step("Ctrl-C ends what runs in the guest", async () => {
        // Before a command's process has the terminal, Ctrl-C is the shell's.
        await terminal.enter("bash -c 'echo begun; exec sleep 1000'");
        await terminal.see(/\nbegun$/);
        await terminal.press("C-c");
        await terminal.see(/begun\n(\^C)?\s*bash.*#$/);
        await terminal.enter("echo status $?");
        await terminal.see(/\nstatus 130\n/);
      });
      await step("the guest's terminal follows the size", async () => {
        await terminal.resize(100, 30);
        await terminal.enter(
          'until [ "$(stty size)" = "30 100" ]; do sleep 0.1; done; echo is $((6 * 7))',
        );
        // The shell may have drawn the line again, and be on its end.
        await terminal.see(/is 42\n/);
      });
      await step("full-screen programs work", async () => {
        await terminal.enter("vi /tmp/file");
        await terminal.see(/^~\n~/m);
        await terminal.type("iwritten");
        await terminal.see(/^written\n~/);
        await terminal.press("Escape");
        await terminal.see(/^- \/tmp\/file/m);
        await terminal.type(":wq");
        await terminal.see(/:wq$/);
        await terminal.press("Enter");
        await terminal.enter("clear; cat /tmp/file; echo; echo end");
        await terminal.see(/^written\n+end\nbash.*#$/m);
      });
      await step("exit leaves it", async () => {
        await terminal.enter("exit");
        await terminal.see(/exit\n>$/);
        await terminal.enter("machine.succeed('cat /tmp/file')");
        await terminal.see(/\n"?written"?\n>$/);
      });
      await step("Ctrl-] leaves it in the middle of something", async () => {
        await terminal.enter("machine.shellInteract()");
        await terminal.see(/Ctrl-\] leaves it\nbash.*#$/);
        await terminal.enter("vi /tmp/file");
        await terminal.see(/^written\n~/);
        await terminal.press("C-]");
        await terminal.see(/\n>$/);
        await terminal.enter(
          "machine.succeed('ps | grep -c \"[v]i /tmp/file\" || :')",
        );
        await terminal.see(/\n0\n>$/);
      });

      await step("connects the serial console", async () => {
        await terminal.clear();
        await terminal.enter("machine.consoleInteract()");
        await terminal.see(/Ctrl-D or Ctrl-\] leaves it/);
        // The kernel's line discipline echoes.
        await terminal.enter("typed there");
        await terminal.see(/\ntyped there/);
        await terminal.press("C-d");
        await terminal.see(/\n>$/);
      });

      await step("stops at a breakpoint of the script", async () => {
        await terminal.enter("testScript()");
        await terminal.see(/breakpoint: Ctrl-D lets the script go on\n>$/);
        await terminal.enter("secret");
        await terminal.see(/\n42\n>$/);
        await terminal.press("C-d");
        await terminal.see(/tiny # went on/);
      });
      await step("shows where the script failed", async () => {
        await terminal.see(/test\.ts:5:\d+\n[^]*fail[^]*TestFailure: [^]*\n>$/);
      });

      await step("leaves on Ctrl-D", async () => {
        await terminal.press("C-d");
        await terminal.see(/left with status 0$/);
      });
    }

    await step("remembers what was typed in an earlier run", async () => {
      await using terminal = await prompt(directory.path);
      await terminal.see(/\n>$/);
      await terminal.press("Up");
      await terminal.see(/\n> secret$/);
      await terminal.press("Up");
      await terminal.see(/\n> testScript\(\)$/);
      await terminal.press("C-c");
      await terminal.enter("Deno.exit(3)");
      await terminal.see(/left with status 3$/);
    });
  },
});

Deno.test({
  name: "the prompt for Python at a terminal",
  ignore: !hasTmux(),
  fn: async (t) => {
    const step = stepOf(t);
    using directory = temporaryDirectory();
    await using terminal = await prompt(
      directory.path,
      ...["--language", "python"],
    );
    await terminal.see(/Ctrl-D leaves\n>>>$/);
    await step("runs statements of several lines", async () => {
      await terminal.enter("for n in range(2):");
      await terminal.see(/\n\.\.\.$/);
      await terminal.enter("    print('turn', n)");
      await terminal.enter("");
      await terminal.see(/\nturn 0\nturn 1\n>>>$/);
    });
    await step("completes upstream's names", async () => {
      await terminal.type("machine.wait_for_un");
      await terminal.see(/\n>>> machine.wait_for_un$/);
      await terminal.press("Tab");
      await terminal.see(/\n>>> machine.wait_for_unit\(?$/);
      await terminal.press("C-c");
    });
    await step("interrupts what runs, and not the session", async () => {
      await terminal.enter("import time; print('begun'); time.sleep(1000)");
      await terminal.see(/\nbegun$/);
      await terminal.press("C-c");
      await terminal.see(/\nKeyboardInterrupt\n>>>$/);
      await terminal.enter("machine.name");
      await terminal.see(/\n'tiny'\n>>>$/);
    });
    await step("asks for the lines that input() wants", async () => {
      await terminal.enter("name = input('your name? ')");
      await terminal.see(/\nyour name\?$/);
      await terminal.enter("Bob");
      await terminal.enter("name * 2");
      await terminal.see(/\nyour name\? Bob\n>>> name \* 2\n'BobBob'\n>>>$/);
      await terminal.enter("input()");
      await terminal.see(/input\(\)$/);
      await terminal.press("C-c");
      await terminal.see(/\nKeyboardInterrupt\n>>>$/);
    });
    await step("drops a statement on Ctrl-C", async () => {
      await terminal.enter("f(");
      await terminal.see(/\n\.\.\.$/);
      await terminal.press("C-c");
      await terminal.enter("20 + 3");
      await terminal.see(/\n23\n>>>$/);
    });
    await step("leaves on Ctrl-D", async () => {
      await terminal.press("C-d");
      await terminal.see(/left with status 0$/);
    });
  },
});

Deno.test("the prompt runs what comes from a pipe", async () => {
  using directory = temporaryDirectory();
  const { startScript } = await guest("tiny");
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-check", "-A", `${root}cli.ts`, "-I", "--no-html"],
      ...["--start-scripts", startScript, "-o", directory.path],
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(
    new TextEncoder().encode("const a = [1,\n2]\na.length\nmachine\n"),
  );
  await writer.close();
  const { code, stdout } = await process.output();
  const text = new TextDecoder().decode(stdout);
  assertStringIncludes(`${code} ${text}`, "0 2\n<Machine 'tiny'>");
});
