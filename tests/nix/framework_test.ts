import {
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertStringIncludes,
} from "@std/assert";
import { Nix, releases } from "./nix.ts";

// A tree that holds nixpkgs' `lib` and `nixos/lib/testing`, or several, each with a framework of another time.
const trees = Deno.env.get("VMWRIGHT_TEST_NIXPKGS")?.split(":") ?? [];
if (trees.length === 0) {
  console.log(
    "tests/nix: the module is tried on stand-ins only, VMWRIGHT_TEST_NIXPKGS gives no tree of nixpkgs",
  );
}

/** Functions from a module to an evaluated test, and the Nix that evaluates; a newer one the newest alone. */
const frameworks = [
  ...releases.flatMap((release) =>
    [
      ['standIn "environment"', "the framework that speaks in variables"],
      ['standIn "containers"', "the framework that speaks of containers, too"],
      ['standIn "configuration"', "the framework that writes a configuration"],
    ].map(([framework, name]) => ({ framework, name, release }))
  ).filter(({ framework, release }) =>
    release === releases[0] || framework.includes("configuration")
  ),
  // Today's nixpkgs asks for a Nix of today.
  ...trees.map((tree) => ({
    framework: `real "${tree}"`,
    name: `the framework in ${tree}`,
    release: releases.at(-1)!,
  })),
];

for (const { framework, name, release } of frameworks) {
  Deno.test(`by Nix ${release.version} in ${name}, the module`, async (t) => {
    await using nix = new Nix({}, release);

    /** What an expression about `config` yields for a test with further settings. */
    const ask = (what: string, settings = "") =>
      nix.evaluate(`
        let
          evaluated = ${framework} {
            imports = [ (vmwright.testModule { }) ];
            name = "sample";
            nodes.server = { };
            nodes.client-1 = { virtualisation.vlans = [ 1 2 ]; };
            testScript = { nodes, ... }: "greet(\\"\${nodes.server.networking.hostName}\\")";
            ${settings}
          };
          inherit (evaluated) config options;
        in ${what}`);
    const driver = (settings?: string) =>
      ask("config.driver.buildCommand", settings) as Promise<string>;
    const inputs = (settings?: string) =>
      ask(
        "map (input: input.name) config.driver.nativeBuildInputs",
        settings,
      ) as Promise<string[]>;
    const typescript = 'testScriptLanguage = "typescript";';
    const hasConfiguration = await ask("options ? driverConfiguration");
    const hasContainers = await ask("options ? containers");
    const hasBackdoor = await ask("options ? sshBackdoor");
    // All that a test shows of its own derivation in every framework is where that is.
    const run =
      "builtins.readFile (builtins.unsafeDiscardStringContext config.test.drvPath)";

    await t.step("puts vmwright in the driver's place", async () => {
      assertMatch(
        await driver(),
        /makeWrapper \S+-vmwright\/bin\/vmwright \$out\/bin\/nixos-test-driver/,
      );
      assertStringIncludes(
        await ask(run) as string,
        `${await ask("config.driver.outPath")}/bin/nixos-test-driver`,
      );
    });

    await t.step("tells it the test's machines and networks", async () => {
      if (hasConfiguration) {
        assertMatch(
          await driver(),
          /--add-flags '--config \S+onfiguration\.json'/,
        );
      } else {
        const text = await driver();
        assertMatch(
          text,
          /^ *addStartScript vm '?client-1'? \S+-vm-client-1'?$/m,
        );
        assertMatch(text, /^ *addStartScript vm '?server'? \S+-vm-server'?$/m);
        assertMatch(text, /^ *export vlans='1 2'$/m);
        assertStringIncludes(text, "--set globalTimeout 3600");
        assertStringIncludes(
          await driver("globalTimeout = 77;"),
          "--set globalTimeout 77",
        );
      }
    });

    await t.step(
      "leaves the run, the nodes and the passed-through attributes as they are",
      async () => {
        assertEquals(
          await ask(
            `{
            inherit (config.test) name;
            nodes = builtins.attrNames config.test.nodes;
            extra = config.test.extra;
            driver = config.test.driver.outPath == config.driver.outPath;
            program = config.driver.meta.mainProgram;
          }`,
            "passthru.extra = 5;",
          ),
          {
            name: "vm-test-run-sample",
            nodes: ["client-1", "server"],
            extra: 5,
            driver: true,
            program: "nixos-test-driver",
          },
        );
        assertMatch(
          await ask(run) as string,
          /\("requiredSystemFeatures","(nixos-test kvm|kvm nixos-test)"\)/,
        );
      },
    );

    await t.step("has its options in a namespace, with types", async () => {
      assertEquals(
        await ask(`
          builtins.mapAttrs (_: option: {
            inherit (option) description;
            type = option.type.name;
          }) options.vmwright // {
            package = { type = options.vmwright.package.type.name; description = ""; };
          }`).then((options) =>
          Object.entries(options as Record<string, { description: string }>)
            .map(([name, { description }]) => [name, typeof description])
        ),
        [
          ["backend", "string"],
          ["cloudHypervisor", "string"],
          ["enable", "string"],
          ["firecracker", "string"],
          ["language", "string"],
          ["package", "string"],
          ["snapshots", "string"],
        ],
      );
      assertStringIncludes(
        await driver('vmwright.language = "typescript";'),
        "--language typescript",
      );
      assertEquals(
        await ask(
          "config.testScriptLanguage",
          'vmwright.language = "typescript";',
        ),
        "typescript",
      );
      assertEquals(
        await ask(
          "config.vmwright.language",
          'testScriptLanguage = pkgs.lib.mkForce "typescript"; vmwright.language = "python";',
        ),
        "typescript",
      );
      assertMatch(
        await driver("vmwright.package = pkgs.coreutils;"),
        /makeWrapper \S+-coreutils\/bin\/vmwright /,
      );
    });

    await t.step("can be switched off", async () => {
      assertNotMatch(
        await driver("vmwright.enable = false;"),
        /vmwright/,
      );
      assertEquals(
        await ask("config.test ? report", "vmwright.enable = false;"),
        false,
      );
    });

    await t.step(
      "has a run that fails nowhere, and is otherwise the test's own",
      async () => {
        const report = `
          let inherit (config.test.overrideTestDerivation (_: {
            requiredSystemFeatures = [ "big" ];
          })) report; in {
            inherit (report) name requiredSystemFeatures;
            inherit (report.drvAttrs) buildCommand;
          }`;
        const { buildCommand, ...rest } = await ask(report) as Record<
          string,
          string
        >;
        assertEquals(rest as unknown, {
          name: "vm-test-report-sample",
          requiredSystemFeatures: ["big"],
        });
        assertStringIncludes(
          buildCommand,
          `${await ask("config.driver.outPath")}/bin/nixos-test-driver`,
        );
        assertStringIncludes(buildCommand, "echo $verdict > $out/verdict");
      },
    );

    await t.step(
      "takes a script for Python unless told otherwise",
      async () => {
        const text = await driver();
        assertStringIncludes(text, "--language python");
        assertMatch(
          text,
          hasConfiguration
            ? /vmwright\/bin\/vmwright check --language python --config \S+ \S+-test-script'?\n/
            : /vmwright\/bin\/vmwright check --language python \S+-test-script'?\n/,
        );
        assertEquals(await inputs(), [
          "make-wrapper",
          "python3",
          "mypy",
          "ruff",
        ]);
        assertStringIncludes(text, "-python3/bin");
        assertEquals(await ask("config.testScriptString"), 'greet("server")');
      },
    );

    await t.step(
      "checks a TypeScript script against the test's machines",
      async () => {
        const text = await driver(typescript);
        assertStringIncludes(text, "--language typescript");
        assertMatch(
          text,
          hasConfiguration
            ? /vmwright\/cli\.js check --language typescript --config \S+ \S+-test-script\.ts'?\n/
            : /vmwright\/cli\.js check --language typescript \S+-test-script\.ts'?\n/,
        );
        assertEquals(await inputs(typescript), ["make-wrapper", "deno"]);
        assertNotMatch(text, /-python3\/bin/);
      },
    );

    await t.step(
      "keeps the meaning of skipTypeCheck and skipLint",
      async () => {
        for (
          const [language, setting, types, linter] of [
            ["python", "", ["python3", "mypy"], ["python3", "ruff"]],
            ["typescript", typescript, ["deno"], ["deno"]],
          ] as [string, string, string[], string[]][]
        ) {
          const [flags, found] = [
            async (settings: string) =>
              new RegExp(` check --language ${language}(( --no-\\S+)*) `)
                .exec(await driver(setting + settings))?.[1],
            async (settings: string) =>
              (await inputs(setting + settings)).slice(1),
          ];
          assertEquals(await flags(""), "");
          assertEquals(await flags("skipTypeCheck = true;"), " --no-check");
          assertEquals(await found("skipTypeCheck = true;"), linter);
          assertEquals(await flags("skipLint = true;"), " --no-lint");
          assertEquals(await found("skipLint = true;"), types);
          const both = "skipTypeCheck = true; skipLint = true;";
          assertEquals(await flags(both), undefined);
          assertEquals(await found(both), []);
        }
      },
    );

    await t.step(
      "keeps the meaning of enableOCR and extraPythonPackages",
      async () => {
        assertNotMatch(await driver(), /-tesseract\/bin/);
        assertMatch(await driver("enableOCR = true;"), /-tesseract\/bin/);
        assertMatch(
          await driver("extraPythonPackages = p: [ p.numpy ];"),
          /-python3-with-packages\/bin/,
        );
        assertEquals(
          (await inputs("extraPythonPackages = p: [ p.numpy ];"))[1],
          "python3-with-packages",
        );
      },
    );

    await t.step(
      "keeps the meaning of interactive, extraDriverArgs and sshBackdoor",
      async () => {
        assertNotMatch(await driver(), /--interactive|--dump-vsocks/);
        const interactive = await ask(
          "config.passthru.driverInteractive.buildCommand",
          "interactive.globalTimeout = 5;",
        ) as string;
        assertMatch(interactive, /--add-flags '?--interactive'?/);
        assertMatch(
          await driver('extraDriverArgs = [ "--keep-vm-state" ];'),
          /--add-flags '?--keep-vm-state'?/,
        );
        if (hasBackdoor) {
          assertMatch(
            await driver("sshBackdoor.enable = true;"),
            /--add-flags '?--dump-vsocks=2'?/,
          );
        }
      },
    );

    await t.step("passes on what an extended test changes", async () => {
      assertMatch(
        await ask(
          `(config.passthru.extend { modules = [ { ${typescript} } ]; }).driver.buildCommand`,
        ) as string,
        /--language typescript/,
      );
    });

    await t.step(
      "gives way to an author who sets the driver by force",
      async () => {
        assertEquals(
          await ask(
            "config.driver.name",
            "driver = pkgs.lib.mkForce pkgs.coreutils;",
          ),
          "coreutils",
        );
      },
    );

    if (hasContainers) {
      await t.step("brings the containers of a test", async () => {
        const jail = "containers.jail = { virtualisation.vlans = [ 1 5 ]; };";
        const text = await driver(jail);
        assertMatch(text, /-systemd\/bin/);
        if (hasConfiguration) {
          assertEquals(
            await ask("config.driverConfiguration.containers.jail.name", jail),
            "jail",
          );
        } else {
          assertMatch(
            text,
            /^ *addStartScript nspawn '?jail'? \S+-nspawn-jail'?$/m,
          );
          assertMatch(text, /^ *export vlans='1 2 5'$/m);
        }
      });
    }

    if (hasConfiguration) {
      await t.step("keeps the meaning of logLevel", async () => {
        assertStringIncludes(
          await driver('logLevel = "warning";'),
          "--log-level warning",
        );
      });
    }
  });
}
