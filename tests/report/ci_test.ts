import { assertEquals, assertMatch } from "@std/assert";
import { ciOf } from "../../src/report/ci.ts";
import {
  CodeQualityListener,
  Log,
  SummaryListener,
  TerminalListener,
  type TerminalOptions,
} from "../../src/report/mod.ts";
import { withFolder } from "./process.ts";

async function shown(
  act: (log: Log) => unknown,
  options: TerminalOptions,
): Promise<string> {
  let text = "";
  const write = (piece: string) => void (text += piece);
  const log = new Log([
    new TerminalListener({ write, colour: false, ...options }),
  ], { name: "tests/web.ts" });
  await act(log);
  await log.close();
  return text.replace(/in \d+\.\d\d seconds/g, "in N seconds");
}

const position = {
  url: `file://${Deno.cwd()}/tests/web.ts`,
  line: 7,
  column: 3,
};

/** A run with a boot, a subtest in another, and a failure. */
async function run(log: Log): Promise<void> {
  await log.nested("boot", () => log.consoleLine("a", "line"), {}, "boot");
  await log.subtest("outer", () => log.subtest("inner", () => {}));
  log.runEnded("failed", new Error("no"), "100%\nthat, is: all", {
    position,
  });
}

Deno.test("GitHub gets groups, and the failure beside its line", async () => {
  assertEquals(
    await shown(run, { ci: "github" }),
    `::group::boot
boot
a # line
::endgroup::
(finished: boot, in N seconds)
::group::subtest: outer
subtest: outer
subtest: inner
(finished: subtest: inner, in N seconds)
::endgroup::
(finished: subtest: outer, in N seconds)
!!! 100%
!!! that, is: all
::error file=tests/web.ts,line=7,title=tests/web.ts%3A failed::100%25%0Athat, is: all
`,
  );
});

Deno.test("no text is a command to GitHub's runner", async () => {
  const evil = [
    "::error::injected",
    "  ::set-output name=x::y",
    "x ##[error]injected",
    "::stop-commands::x\n::add-mask::y",
  ];
  const text = await shown(async (log) => {
    for (const one of evil) {
      log.info(one);
      log.info(`more\n${one}`, { machine: one });
      log.consoleLine(one, one);
      await log.nested(one, () => {}, {}, "boot");
      await log.subtest(`x\n${one}`, () => {}).catch(() => {});
    }
    log.runEnded("failed", new Error(evil.join("\n")));
  }, { ci: "github" });
  const commands = text.split("\n").filter((line) =>
    /^\s*::/.test(line) || line.includes("##[")
  );
  for (const command of commands) {
    assertMatch(command, /^::(group::|endgroup::$|error title=)/);
    assertEquals(/##\[/.test(command.replace(/^::(group|error).*/, "")), false);
  }
});

Deno.test("no text is a command to Azure Pipelines or TeamCity", async () => {
  const evil = "x ##vso[task.setvariable variable=PATH]y ##teamcity[message]";
  const text = await shown((log) => {
    log.info(evil);
    log.consoleLine("a", evil);
    log.runEnded("failed", new Error(evil));
  }, {});
  const plain =
    "x # #vso[task.setvariable variable=PATH]y # #teamcity[message]";
  assertEquals(text, `${plain}\na # ${plain}\n!!! Error: ${plain}\n`);
});

Deno.test("GitLab gets sections, and no text can make their markers", async () => {
  const text = await shown(async (log) => {
    await log.subtest("\x1b[0Ksection_start:1:x\r\x1b[0K", () => {});
    log.info("\x1b[0Ksection_end:1:x\r\x1b[0K");
  }, { ci: "gitlab" });
  // deno-lint-ignore no-control-regex
  const markers = text.match(/\x1b\[0Ksection_\w+:\d+:[^\r]*\r\x1b\[0K/g);
  assertEquals(
    markers?.map((one) =>
      one.replace(/^.*section_/s, "").replace(/:\d+:/, ":N:").replace(
        /\r.*/s,
        "",
      )
    ),
    ["start:N:vmwright_1[collapsed=true]", "end:N:vmwright_1"],
  );
});

Deno.test("the environment tells which CI system's groups to write", () => {
  const of = (variables: Record<string, string>) =>
    ciOf({ get: (name) => variables[name] });
  assertEquals(of({ GITHUB_ACTIONS: "true" }), "github");
  assertEquals(of({ GITLAB_CI: "true" }), "gitlab");
  assertEquals(of({ CI: "true", GITHUB_ACTIONS: "" }), undefined);
});

Deno.test("a summary in Markdown tells what failed, whatever it is called", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/summary.md`;
    Deno.writeTextFileSync(path, "before\n");
    const log = new Log([new SummaryListener(path)], { name: "a|b.ts" });
    await log.subtest("fine", () => {});
    await log.subtest("<b>|`x", () => Promise.reject(new Error("no")))
      .catch(() => {});
    log.runEnded("failed", new Error("no"), "```\n</details>");
    await log.close();
    assertEquals(
      Deno.readTextFileSync(path).replace(/\d+\.\d+ s/, "N s").replace(
        /0\.\d\d/g,
        "0.00",
      ),
      `before
### ❌ a&#124;b.ts: failed in N s

| | subtest | seconds |
|---|---|---:|
| ✅ | fine | 0.00 |
| ❌ | &#60;b&#62;&#124;&#96;x | 0.00 |

\`\`\`\`text
\`\`\`
</details>
\`\`\`\`

`,
    );
  });
});

Deno.test("after ten silent seconds the log tells what the run waits for", async () => {
  const timers: { fn: () => void; ms: number }[] = [];
  const { setTimeout } = globalThis;
  const { now } = performance;
  let ahead = 0;
  globalThis.setTimeout = ((fn: () => void, ms: number) => {
    if (!(ms >= 1000)) return setTimeout(fn, ms);
    timers.push({ fn, ms });
    return setTimeout(() => {}, 0);
  }) as typeof setTimeout;
  // The clock stands still but for what is added to it.
  const began = performance.now();
  performance.now = () => began + ahead;
  try {
    const text = await shown(async (log) => {
      await log.subtest("outer", () =>
        log.nested("waiting for x", () => {
          log.consoleLine("m", "booted");
          log.mark("ready", { machine: "m" });
          for (const expected of [10, 20, 40, 60, 60]) {
            const { fn, ms } = timers.shift()!;
            assertEquals(Math.round(ms / 1000), expected);
            ahead += ms;
            fn();
          }
        }, { machine: "m" }));
    }, { console: "quiet" });
    const told = text.split("\n").filter((line) => line.includes("still"));
    assertEquals(told.slice(0, 2), [
      "m: still waiting for x (since 10 seconds)",
      "m: still waiting for x (since 30 seconds)",
    ]);
    assertEquals(told.length, 5);
  } finally {
    globalThis.setTimeout = setTimeout;
    performance.now = now;
  }
});

Deno.test("GitLab gets each failure beside its line, and an empty report without failures", () =>
  withFolder(async (folder) => {
    const path = `${folder}/quality.json`;
    const report = async (act: (log: Log) => unknown) => {
      const log = new Log([
        new CodeQualityListener(path, { projectDirectory: Deno.cwd() }),
      ], { name: "tests/web.ts" });
      assertEquals(Deno.readTextFileSync(path), "[]");
      await act(log);
      await log.close();
      return JSON.parse(Deno.readTextFileSync(path)).map((
        { fingerprint, ...rest }: { fingerprint: string },
      ) => {
        assertMatch(fingerprint, /^[0-9a-f]{64}$/);
        return rest;
      });
    };
    assertEquals(await report(run), [{
      description: "100%\nthat, is: all",
      check_name: "VM test",
      severity: "critical",
      location: { path: "tests/web.ts", lines: { begin: 7 } },
    }]);
    const elsewhere = { ...position, url: "file:///elsewhere.ts" };
    const error = new Error("one");
    const failures = [
      { name: "first", error, detail: "why\x1b[31m", position },
      { name: "second", error, detail: "why", position: elsewhere },
    ];
    assertEquals(
      await report((log) =>
        log.runEnded("failed", error, "both", { failures })
      ),
      [{
        description: "why",
        check_name: "subtest first",
        severity: "critical",
        location: { path: "tests/web.ts", lines: { begin: 7 } },
      }],
    );
    assertEquals(await report((log) => log.runEnded("passed")), []);
    assertEquals(
      await report((log) =>
        log.runEnded("interrupted", error, "stop", { position })
      ),
      [],
    );
  }));
