import {
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertStringIncludes,
} from "@std/assert";
import { missing, Nix } from "./nix.ts";

// A tree that holds nixpkgs' `lib` and `nixos/lib/testing`, or several, each with a framework of another time.
const trees = Deno.env.get("VMWRIGHT_TEST_NIXPKGS")?.split(":") ?? [];
if (trees.length === 0) {
  console.log(
    "tests/nix: the module is tried on stand-ins only, VMWRIGHT_TEST_NIXPKGS gives no tree of nixpkgs",
  );
}

/** Functions from a module to an evaluated test. */
const frameworks = [
  ['standIn "environment"', "the framework that speaks in variables"],
  ['standIn "containers"', "the framework that speaks of containers, too"],
  ['standIn "configuration"', "the framework that writes a configuration"],
  ...trees.map((tree) => [`real "${tree}"`, `the framework in ${tree}`]),
];

for (const [framework, name] of frameworks) {
  Deno.test(`in ${name}, the module`, {
    ignore: missing !== undefined,
  }, async (t) => {
    await using nix = new Nix();

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
        assertStringIncludes(
          await ask(run) as string,
          '("requiredSystemFeatures","nixos-test kvm")',
        );
      },
    );

    await t.step(
      "takes a script for Python unless told otherwise",
      async () => {
        const text = await driver();
        assertStringIncludes(text, "--language python");
        assertMatch(text, /mypy/);
        assertMatch(
          text,
          /PYFLAKES_BUILTINS=\S*,start_all,\S*,client_1,server,vlan1,vlan2 pyflakes/,
        );
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
            ? /vmwright\/cli\.js \\\n *check --language typescript --config \S+ \S+-test-script\.ts'?\n/
            : /vmwright\/cli\.js \\\n *check --language typescript {2}\S+-test-script\.ts'?\n/,
        );
        assertNotMatch(text, /mypy|PYFLAKES|-python3\/bin/);
      },
    );

    await t.step(
      "keeps the meaning of skipTypeCheck and skipLint",
      async () => {
        assertNotMatch(await driver("skipTypeCheck = true;"), /mypy/);
        assertMatch(await driver("skipTypeCheck = true;"), /PYFLAKES/);
        assertNotMatch(await driver("skipLint = true;"), /PYFLAKES/);
        assertNotMatch(
          await driver(`${typescript} skipTypeCheck = true;`),
          /check --language/,
        );
      },
    );

    await t.step(
      "keeps the meaning of enableOCR and extraPythonPackages",
      async () => {
        assertNotMatch(await driver(), /-tesseract\/bin/);
        assertMatch(await driver("enableOCR = true;"), /-tesseract\/bin/);
        assertMatch(
          await driver("extraPythonPackages = p: [ p.numpy ];"),
          /-python3\/bin/,
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
        assertMatch(
          text,
          /PYFLAKES_BUILTINS=\S*,server,jail,vlan1,vlan2,vlan5 /,
        );
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

    if (hasContainers) {
      await t.step(
        "binds machine where there is one, of either kind",
        async () => {
          const checksOf = async (machines: string) => {
            const text = await nix.evaluate(`
            (${framework} {
              imports = [ (vmwright.testModule { }) ];
              name = "sample";
              testScript = "";
              ${machines}
            }).config.driver.buildCommand`) as string;
            return {
              types: [...text.matchAll(/\w+: (?:Qemu|Nspawn)Machine$/gm)]
                .join(),
              names: /PYFLAKES_BUILTINS=\S*,t,(\S+) /.exec(text)?.[1],
            };
          };
          assertEquals(await checksOf("nodes.server = { };"), {
            types: "server: QemuMachine,machine: QemuMachine",
            names: "server,machine,vlan1",
          });
          assertEquals(await checksOf("containers.jail = { };"), {
            types: "jail: NspawnMachine,machine: NspawnMachine",
            names: "jail,machine,vlan1",
          });
          assertEquals(
            await checksOf("nodes.server = { }; containers.jail = { };"),
            {
              types: "server: QemuMachine,jail: NspawnMachine",
              names: "server,jail,vlan1",
            },
          );
          assertEquals(await checksOf("containers.machine = { };"), {
            types: "machine: NspawnMachine",
            names: "machine,vlan1",
          });
        },
      );
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
