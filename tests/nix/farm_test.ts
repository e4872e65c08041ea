import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Builder, missingBuilder } from "./builder.ts";
import { missing, Nix, NixError } from "./nix.ts";
import { readResults } from "../../src/suite/results.ts";
import { readPage } from "../report/read_page.ts";
import { type TwentyTest, twentyTests } from "../suite/twenty_tests.ts";
import { environmentOfBuilds } from "./environment_of_builds.ts";

const reason = missing ?? await missingBuilder();
if (reason !== undefined) console.log(`tests/nix/farm: skipped, ${reason}`);

/** How many tests each host runs before they wait for the builder's end. */
const free = 3;

/**
 * A host runs some tests, and stops in the others until a program writes to the
 * gate: else one host would be done before the other begins.
 */
const wait = (folder: string) => `
  const host = Deno.hostname() === "builder" ? "builder" : "here";
  const may = [...Array(${free}).keys()].some((n) => {
    try {
      Deno.openSync(\`${folder}/\${host}-\${n}\`, { write: true, createNew: true }).close();
      return true;
    } catch {
      return false;
    }
  });
  if (!may) {
    Deno.writeTextFileSync(\`${folder}/\${host}-waits\`, "");
    (await Deno.open("${folder}/gate")).close();
  }
`;

const nixString = (text: string) =>
  `"${text.replace(/[\\"$]/g, "\\$&").replaceAll("\n", "\\n")}"`;

/** Tests that the stand-in of a framework of some generation makes. */
const inFramework: Record<string, string> = {
  "green 1": "environment",
  red: "configuration",
};

function suiteOf(folder: string, tests: readonly TwentyTest[]): string {
  const rows = tests.map(({ name, script, timeout, retries = 0 }) => {
    const common = `
      testScript = ${nixString(wait(folder) + script)};
      skipTypeCheck = true;
      skipLint = true;`;
    const framework = inFramework[name];
    const test = framework === undefined
      ? `{
        ${common}
        retries = ${retries};
        ${timeout === undefined ? "" : `globalTimeout = ${timeout};`}
      }`
      : `(standIn "${framework}" {
        ${common}
        imports = [ (vmwright.testModule { }) ];
        name = "framework";
        nodes = { };
        vmwright.language = "typescript";
      }).config.test`;
    return `${nixString(name)} = ${test};`;
  });
  return `vmwright.mkSuite {
    inherit pkgs;
    name = "house";
    tests = {
      ${rows.join("\n")}
    };
  }`;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 24_000; i++) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`expected ${what}, within twenty minutes`);
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

Deno.test(
  "a suite on two builders, one of which goes away in the middle, gives the verdict and the page of all tests",
  {
    ignore: reason !== undefined,
  },
  async (t) => {
    await using nix = new Nix(await environmentOfBuilds());
    const folder = nix.folder("gate");
    const made = await new Deno.Command("mkfifo", { args: [`${folder}/gate`] })
      .output();
    assert(made.success);
    const tests = twentyTests;
    const suite = suiteOf(folder, tests);
    const of = (what: string) => `(let suite = ${suite}; in ${what})`;
    const outputs = Object.entries(
      await nix.evaluate(
        of("builtins.mapAttrs (_: one: one.outPath) suite.tests"),
      ) as Record<string, string>,
    );
    /** The hosts that the tests ran on whose reports are here. */
    const reported = () => outputs.flatMap(([, path]) => hostOf(path) ?? []);
    const onBuilder = () =>
      reported().filter((host) => host === "builder").length;

    await t.step("its drivers are built", async () => {
      await nix.build(
        of(
          `pkgs.runCommand "drivers" { drivers = lib.mapAttrsToList (_: one: one.test.driver) suite.tests; } "touch $out"`,
        ),
      );
    });

    await t.step(
      "both run tests, until one builder is gone with what it ran",
      async () => {
        await using builder = await Builder.start(nix);
        const options = [
          "--max-jobs",
          "2",
          "--keep-going",
          ...builder.options(2),
        ];
        const built = nix.build(
          of("suite.report"),
          options,
          builder.environment,
        )
          .then(() => undefined, (error: NixError) => error);
        await until(
          "both builders to have run tests, and to wait in others",
          () =>
            onBuilder() > 0 && onBuilder() < reported().length &&
            exists(`${folder}/builder-waits`) && exists(`${folder}/here-waits`),
        );
        await builder[Symbol.asyncDispose]();
        assertEquals(commandLines(`${nix.folder("builder")}/sshd_config`), []);
        // From now on nobody waits: it is open for writing as well.
        using _gate = Deno.openSync(`${folder}/gate`, {
          read: true,
          write: true,
        });
        const error = await built;
        assert(error instanceof NixError, "what the builder ran is lost");
        const kept = onBuilder();
        assert(kept > 0, "what the builder had reported is here");

        // The same command builds the missing tests, here.
        const out = await nix.build(
          of("suite.report"),
          options,
          builder.environment,
        );
        assertEquals(Deno.readTextFileSync(`${out}/verdict`), "failed\n");
        assertEquals([reported().length, onBuilder()], [tests.length, kept]);
      },
    );

    const out = await nix.build(of("suite.report"));
    await t.step("one page and one verdict are of all", () => {
      const results = readResults(out)!;
      assertEquals(results.name, "house");
      assertEquals(
        Object.fromEntries(results.tests.map((one) => [one.name, one.verdict])),
        Object.fromEntries(tests.map((one) => [one.name, one.verdict])),
      );
      const page = readPage(Deno.readTextFileSync(`${out}/report.html`));
      const { suite, runs } = page.overview;
      assertEquals(suite!.tests.length, tests.length);
      const flaky = suite!.tests.find(({ verdict }) => verdict === "flaky")!;
      assertEquals(
        flaky.attempts.map(({ run }) => runs[run!].verdict),
        ["failed", "passed"],
      );
      const summary = Deno.readTextFileSync(`${out}/summary.txt`);
      assertStringIncludes(
        summary,
        "2 failed, 1 timeout, 1 crashed, 1 flaky, 15 passed",
      );
      // Why a test failed is in its events alone.
      assertStringIncludes(summary, "Values are not equal");
      assertStringIncludes(summary, "its process ended with status 137");
      assertEquals(
        Deno.readTextFileSync(`${out}/nix-support/failed`),
        "failed\n",
      );
    });

    await t.step("Hydra shows the page of a red test, too", () => {
      for (const [name, path] of outputs) {
        const isGreen = /green|flaky/.test(name);
        assertEquals(exists(`${path}/nix-support/failed`), !isGreen, name);
        assertEquals(
          Deno.readTextFileSync(`${path}/nix-support/hydra-build-products`),
          `report test ${path} report.html\n`,
        );
      }
    });

    await t.step("the page knows what the tests were before", async () => {
      const history = `${nix.folder("files")}/history`;
      const entry = {
        test: "red",
        date: Date.UTC(2026, 0, 1),
        verdict: "crashed",
        duration: 1,
        attempts: 1,
      };
      Deno.writeTextFileSync(history, JSON.stringify(entry) + "\n");
      const again = await nix.build(
        `(let suite = ${
          suite.replace("inherit pkgs;", `inherit pkgs; history = ${history};`)
        }; in suite.report)`,
      );
      const { tests } = readPage(
        Deno.readTextFileSync(`${again}/report.html`),
      ).overview.suite!;
      const red = tests.find(({ name }) => name === "red")!;
      assertEquals(red.past.map(({ verdict }) => verdict), [
        "crashed",
        "failed",
      ]);
      assertEquals(
        Deno.readTextFileSync(`${again}/history`).trim().split("\n").length,
        1 + twentyTests.length,
      );
    });

    await t.step(
      "the suite and the checks of red tests fail, others do not",
      async () => {
        const error = await assertRejects(
          () => nix.build(of("suite")),
          NixError,
        );
        assertStringIncludes(
          error.message,
          `suite house: failed; read ${out}/report.html`,
        );
        for (const { name, verdict } of tests) {
          if (verdict === "passed" && name !== "green 1") continue;
          const check = of(`suite.checks.${nixString(name)}`);
          if (verdict === "passed" || verdict === "flaky") {
            assertEquals(exists(`${await nix.build(check)}/report.html`), true);
            continue;
          }
          const error = await assertRejects(() => nix.build(check), NixError);
          assertStringIncludes(
            error.message,
            `test ${name}: ${verdict}; read `,
          );
        }
      },
    );
  },
);

/** The command lines of all processes that are about a folder. */
function commandLines(folder: string): string[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    try {
      const line = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      return /^\d+$/.test(name) && line.includes(folder) ? line : [];
    } catch {
      return [];
    }
  });
}

/** The host that a test ran on, as its events say; nothing before they are here. */
function hostOf(report: string): string | undefined {
  if (!exists(`${report}/verdict`)) return;
  const [, line] = Deno.readTextFileSync(`${report}/events.jsonl`).split("\n");
  return JSON.parse(line).about.host;
}
