/** What a person sees at a terminal while a suite runs. */
import { assertEquals, assertMatch } from "@std/assert";
import { hasTmux, Tmux } from "../script/tmux.ts";
import { SuiteFolder } from "./stand_ins.ts";

const cli = new URL("../../cli.ts", import.meta.url).pathname;

Deno.test({
  name:
    "a terminal shows which tests run and how many are left, and nothing of it in the end",
  ignore: !hasTmux(),
  async fn() {
    using suite = new SuiteFolder({
      fails: { script: "fails.ts" },
      waits: { script: "waits.ts", env: { NAME: "waits" } },
      last: { script: "passes.ts" },
    });
    await using terminal = await Tmux.start({
      command: [
        ...[Deno.execPath(), "run", "--no-check", "-A", cli, "test"],
        ...["--workers", "1", "--memory", "1G"],
      ],
      directory: suite.path,
      env: {
        NO_COLOR: "1",
        XDG_RUNTIME_DIR: suite.path,
        GITHUB_ACTIONS: "",
        GITLAB_CI: "",
      },
    });
    await terminal.see(
      /^failed +fails \(.* s\) \[1\/3\]: Error: no way\n.*report\.html\n +\d+\.\d s +waits\n1 of 3 over, 1 not passed; 1 running, 1 waiting; memory 384 MiB of 1\.0 GiB$/m,
    );
    Deno.kill(await suite.waiting("waits"), "SIGKILL");
    await terminal.see(/^left with status 1$/m);
    const screen = await terminal.screen();
    assertMatch(screen, /^3 tests: 1 failed, 1 crashed, 1 passed in /m);
    assertEquals(/ running, /.test(screen), false, screen);
  },
});
