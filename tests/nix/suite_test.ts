import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Nix, NixError, releases } from "./nix.ts";

const script = 'testScript = "await startAll();";';
const suite = (tests: string, more = "") => `
  vmwright.mkSuite {
    inherit pkgs;
    name = "house";
    tests = { ${tests} };
    ${more}
  }`;

for (const release of releases) {
  Deno.test(`by Nix ${release.version}, a suite`, async (t) => {
    await using nix = new Nix({}, release);

    await t.step(
      "has a derivation for each test, and others that fail where their tests do",
      async () => {
        const names = (set: string) =>
          `lib.mapAttrsToList (_: one: one.name) (removeAttrs (${set}) [ "recurseForDerivations" ])`;
        assertEquals(
          await nix.evaluate(`
            let
              suite = ${
            suite(`
              web = { ${script} nodes.server = { }; };
              "db[kernel=6.1]" = { ${script} };
              framework = (standIn "configuration" {
                imports = [ (vmwright.testModule { }) ];
                name = "other";
                nodes.machine = { };
                testScript = "start_all()";
              }).config.test;
            `)
          };
            in {
              suite = suite.name;
              report = suite.report.name;
              tests = ${names("suite.tests")};
              checks = ${names("suite.checks")};
              hydraJobs = ${names("suite.hydraJobs")};
              legacyPackages = ${names("suite.legacyPackages.tests")};
              recurses = [
                suite.legacyPackages.recurseForDerivations
                suite.legacyPackages.tests.recurseForDerivations
              ];
              titles = lib.mapAttrsToList (_: one: one.testName) suite.tests;
              driver = suite.checks.web.test.driver.name;
            }`),
          {
            suite: "vm-suite-house",
            report: "vm-suite-report-house",
            tests: [
              "vm-test-report-db-kernel=6.1-",
              "vm-test-report-other",
              "vm-test-report-web",
            ],
            checks: [
              "vm-test-check-db-kernel=6.1-",
              "vm-test-check-framework",
              "vm-suite-house",
              "vm-test-check-web",
            ],
            hydraJobs: [
              "vm-test-report-db-kernel=6.1-",
              "vm-test-report-other",
              "vm-suite-report-house",
              "vm-test-report-web",
            ],
            legacyPackages: [
              "vm-test-check-db-kernel=6.1-",
              "vm-test-check-framework",
              "vm-test-check-web",
            ],
            recurses: [true, true],
            titles: ['"db[kernel=6.1]"', '"framework"', '"web"'],
            driver: "nixos-test-driver-web",
          },
        );
      },
    );

    const features = async (tests: string, more = "") =>
      await nix.evaluate(
        `builtins.mapAttrs (_: one: one.requiredSystemFeatures) (${
          suite(tests, more)
        }).tests`,
      );

    await t.step(
      "asks for a builder with many cores where a test is large",
      async () => {
        const tests = `
        small = { ${script} nodes.server.virtualisation.memorySize = 8192; };
        large = {
          ${script}
          nodes.server.virtualisation.memorySize = 8192;
          nodes.client = { };
        };
        wide = { ${script} nodes.server.virtualisation.cores = 12; };
        framework = (standIn "configuration" {
          imports = [ (vmwright.testModule { }) ];
          name = "framework";
          nodes.machine.virtualisation.memorySize = 16384;
          testScript = "start_all()";
        }).config.test;`;
        const usual = ["nixos-test", "kvm"];
        const { framework, ...own } = await features(tests) as Record<
          string,
          string[]
        >;
        assertEquals(own, {
          small: usual,
          large: [...usual, "big-parallel"],
          wide: [...usual, "big-parallel"],
        });
        assertEquals(framework.includes("big-parallel"), true);
      },
    );

    await t.step(
      "asks for features of one's own by what a test takes",
      async () => {
        assertEquals(
          await features(
            `web = { ${script} nodes = { a = { }; b.virtualisation.memorySize = 3000; }; };`,
            'features = { memory, cores }: [ "kvm" "mem-${toString memory}" "cores-${toString cores}" ];',
          ),
          { web: ["nixos-test", "kvm", "mem-4024", "cores-2"] },
        );
      },
    );

    await t.step("gives a test the time of all its attempts", async () => {
      assertEquals(
        await nix.evaluate(`
          builtins.mapAttrs (_: one: [ one.retries one.meta.timeout ]) (${
          suite(
            `
            web = { ${script} };
            db = { ${script} globalTimeout = 100; retries = 0; };
            framework = (standIn "configuration" {
              imports = [ (vmwright.testModule { }) ];
              name = "framework";
              nodes.machine = { };
              testScript = "start_all()";
              globalTimeout = 200;
            }).config.test;`,
            "retries = 2;",
          )
        }).tests`),
        {
          web: [2, 3 * 3600 + 600],
          db: [0, 700],
          framework: [2, 3 * 200 + 600],
        },
      );
    });

    await t.step(
      "takes a flaky test as a failure where it is told so",
      async () => {
        const commands = (more: string) =>
          nix.evaluate(
            `map (one: one.buildCommand) (let suite = ${
              suite(`web = { ${script} };`, more)
            }; in [ suite.checks.web suite.report ])`,
          ) as Promise<string[]>;
        const [check, report] = await commands("");
        assertStringIncludes(check, "passed | flaky)");
        assertEquals(report.includes("--fail-on-flaky"), false);
        const [strictCheck, strictReport] = await commands(
          "failOnFlaky = true;",
        );
        assertStringIncludes(strictCheck, "passed)");
        assertStringIncludes(strictReport, "--fail-on-flaky");
      },
    );

    await t.step(
      "runs its tests again where it is told so, and only there",
      async () => {
        const path = (more: string) =>
          nix.evaluate(
            `(${suite(`web = { ${script} };`, more)}).tests.web.drvPath`,
          );
        const [before, again, once] = await Promise.all([
          path(""),
          path("rerun = 1;"),
          path("rerun = 1;"),
        ]);
        assertEquals([again !== before, again === once], [true, true]);
      },
    );

    await t.step("fails in one sentence", async () => {
      for (
        const [expression, sentence] of [
          [
            suite("web = pkgs.coreutils;"),
            'the test "web" of mkSuite is a derivation without `report`, expected the arguments of mkTest, or a test that mkTest or nixosModules.test made',
          ],
          [suite(""), "mkSuite has no tests, expected one or more"],
          [
            suite(`house = { ${script} };`),
            'a test of mkSuite is called "house" as the suite is, expected another name',
          ],
          [
            suite("web = [ ];"),
            'the test "web" of mkSuite is no attribute set, expected the arguments of mkTest',
          ],
          [
            suite(`web = { ${script} };`, "retry = 1;"),
            'mkSuite has no argument "retry", expected one of "failOnFlaky", "features", "history", "meta", "name", "package", "passthru", "pkgs", "rerun", "retries", "tests"',
          ],
          [
            suite(`web = { ${script} };`, 'retries = "1";'),
            'the argument "retries" of mkSuite is a string, expected a number of attempts',
          ],
        ]
      ) {
        const error = await assertRejects(
          () => nix.evaluate(`(${expression}).report.drvPath`),
          NixError,
        );
        assertStringIncludes(error.message, sentence);
      }
    });
  });
}
