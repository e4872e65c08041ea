import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { guest } from "../guests/mod.ts";
import { checkers } from "../script/python/checkers.ts";
import { environmentOfBuilds } from "./environment_of_builds.ts";
import { missing, Nix, NixError } from "./nix.ts";

const pythonCheckers = missing === undefined ? await checkers() : undefined;

/** Nix with a vmwright that runs from the checkout, and with guests called node1 and node2. */
async function nixWithGuests(): Promise<Nix> {
  const tiny = await guest("tiny");
  const scripts = ["node1", "node2"].map((name) => tiny.startScriptFor(name));
  return new Nix({
    ...await environmentOfBuilds(
      pythonCheckers === undefined ? [] : [pythonCheckers],
    ),
    VMWRIGHT_TEST_GUESTS: scripts[0].replace(/\/[^/]*$/, ""),
  });
}

const test = (script: string, more = "") => `
  vmwright.mkTest {
    inherit pkgs;
    name = "sample";
    nodes.node1 = { };
    testScript = ''${script}'';
    ${more}
  }`;

/** Checks take most of a build's time; they are for the tests of them. */
const unchecked = "skipTypeCheck = true; skipLint = true;";

function names(directory: string): string[] {
  return Array.from(Deno.readDirSync(directory), ({ name }) => name).sort();
}

Deno.test(
  "a test built by nix",
  { ignore: missing !== undefined },
  async (t) => {
    await using nix = await nixWithGuests();

    await t.step(
      "boots its machine and leaves report and logs in its output",
      async () => {
        const out = await nix.build(test(`
      await machine.start();
      const answer = await node1.succeed("echo $((6 * 7))");
      if (answer !== "42\\n") throw new Error(answer);
      await node1.execute("echo a line of the guest >&2");
    `));
        const found = names(out);
        for (const name of ["junit.xml", "log.xml", "report.html"]) {
          assert(found.includes(name), `${name} in ${found}`);
        }
        assertMatch(
          Deno.readTextFileSync(`${out}/junit.xml`),
          /<testsuites?[^>]* failures="0"/,
        );
        const console = found.find((name) => name.includes("node1"));
        assert(console, `a console log in ${found}`);
        assertStringIncludes(
          Deno.readTextFileSync(`${out}/${console}`),
          "a line of the guest",
        );
      },
    );

    const failing = test(
      `
    await startAll();
    await subtest("the sum is right", async () => {
      await node1.succeed("echo the sum is wrong; exit 3");
    });
  `,
      unchecked,
    );

    await t.step("fails where the test fails, and shows why", async () => {
      const error = await assertRejects(() => nix.build(failing), NixError);
      assertMatch(error.message, /vm-test-run-sample> .*the sum is wrong/);
      assertStringIncludes(
        error.message,
        "the attribute 'report' of this derivation builds its report and logs",
      );
    });

    await t.step(
      "has a variant that succeeds with the report and the verdict",
      async () => {
        const out = await nix.build(`(${failing}).report`);
        assertEquals(Deno.readTextFileSync(`${out}/verdict`), "failed\n");
        assertMatch(
          Deno.readTextFileSync(`${out}/junit.xml`),
          /the sum is right[^]*the sum is wrong/,
        );
        assertStringIncludes(
          Deno.readTextFileSync(`${out}/report.html`),
          "the sum is wrong",
        );
      },
    );

    await t.step(
      "has a variant whose verdict tells a timeout from a failure",
      async () => {
        const out = await nix.build(
          `(${
            test(
              `await node1.execute("sleep 1000");`,
              `globalTimeout = 4; ${unchecked}`,
            )
          }).report`,
        );
        assertEquals(Deno.readTextFileSync(`${out}/verdict`), "timeout\n");
      },
    );

    await t.step("begins where a derivation has booted its nodes", async () => {
      await nix.build(`
      let
        booted = vmwright.mkSnapshot {
          inherit pkgs;
          name = "booted";
          nodes.node1 = { };
          ${unchecked}
          testScript = ''
            await startAll();
            await node1.succeed("echo once >/tmp/booted");
          '';
        };
      in ${
        test(
          `
          await snapshot({
            name: "booted",
            keep: true,
            prepare() { throw new Error("booted again"); },
          });
          const state = await node1.succeed("cat /tmp/booted");
          if (state.trim() !== "once") throw new Error(state);
        `,
          `snapshots = [ booted ]; ${unchecked}`,
        )
      }`);
    });

    await t.step("connects its nodes", async () => {
      await nix.build(`
      vmwright.mkTest {
        inherit pkgs;
        nodes = { node1 = { }; node2 = { }; };
        ${unchecked}
        testScript = ''
          await startAll();
          await node1.waitUntilSucceeds("ping -c 1 -W 5 192.168.1.2");
        '';
      }`);
    });

    await t.step("does not build where a type is wrong", async () => {
      const error = await assertRejects(
        () => nix.build(test("await node1.sucseed('true');")),
        NixError,
      );
      assertMatch(
        error.message,
        /nixos-test-driver-sample> .*Property 'sucseed' does not exist/,
      );
    });

    await t.step(
      "does not build where a machine has no start script",
      async () => {
        const error = await assertRejects(
          () =>
            nix.build(
              `(${
                test("await startAll();", 'machines.lost = "/nowhere";')
              }).driver`,
            ),
          NixError,
        );
        assertMatch(
          error.message,
          /machine lost has \/nowhere, expected a start script or a directory with one bin\/run-\*-vm/,
        );
      },
    );

    await t.step("does not build where an await is missing", async () => {
      const error = await assertRejects(
        () =>
          nix.build(
            `(${test("await startAll();\nnode1.succeed('true');")}).driver`,
          ),
        NixError,
      );
      assertMatch(
        error.message,
        /nixos-test-driver-sample> .*test-script\.ts:2:1: An await is missing/,
      );
    });

    const python = (script: string, more = "") =>
      test(script, `testScriptLanguage = "python"; ${more}`);
    await t.step(
      "hints at the option where the script is TypeScript that nobody said",
      async () => {
        const inFramework = (script: string) => `
          (standIn "configuration" {
            imports = [ (vmwright.testModule { }) ];
            name = "sample";
            nodes.node1 = { };
            ${unchecked}
            testScript = \'\'${script}\'\';
          }).config.driver`;
        const error = await assertRejects(
          () =>
            nix.build(
              inFramework("await startAll();\nawait node1.succeed('true');"),
            ),
          NixError,
        );
        assertMatch(
          error.message,
          /nixos-test-driver-sample> the test script is no Python and looks like TypeScript; for that, set vmwright\.language = "typescript"/,
        );
        // A program in a text is no reason.
        await nix.build(
          inFramework('node1.succeed("""\nconst answer = 42;\n""")'),
        );
      },
    );

    await t.step("runs a Python script", async () => {
      await nix.build(
        python(
          `
        start_all()
        assert node1.succeed("echo 42") == "42\\n"
        `,
          unchecked,
        ),
      );
    });

    await t.step("shows the line of a Python script that fails", async () => {
      const error = await assertRejects(
        () => nix.build(python(`assert 6 * 7 == 43, "wrong"`, unchecked)),
        NixError,
      );
      assertMatch(error.message, /vm-test-run-sample> .*assert 6 \* 7 == 43/);
    });

    await t.step({
      name: "does not build where a Python script's types are wrong",
      ignore: pythonCheckers === undefined,
      fn: async () => {
        const driver = (script: string) =>
          `(${python(script, "skipLint = true;")}).driver`;
        await nix.build(driver(`
        start_all()
        with subtest("a command"):
            status, output = node1.execute("true", timeout=5)
        machine.wait_until_succeeds("true")
        t.assertEqual(vlan1.nr, 1)
        @polling_condition
        def alive():
            machine.succeed("true")
        with alive:
            retry(lambda last: True)
      `));
        const error = await assertRejects(
          () => nix.build(driver(`node1.sucseed("true")`)),
          NixError,
        );
        assertMatch(
          error.message,
          /nixos-test-driver-sample> .*-test-script:1:1: .*sucseed/,
        );
      },
    });

    await t.step({
      name: "checks the use of extraPythonPackages",
      ignore: pythonCheckers === undefined,
      fn: async () => {
        const driver = (script: string) =>
          `(${
            python(
              script,
              `skipLint = true;
              extraPythonPackages = p: [
                (p.module "probe" "def answer(question: str) -> int: return 42")
              ];`,
            )
          }).driver`;
        await nix.build(
          driver('import probe\nassert probe.answer("life") == 42'),
        );
        const error = await assertRejects(
          () => nix.build(driver("import probe\nprobe.answer(1)")),
          NixError,
        );
        assertMatch(
          error.message,
          /nixos-test-driver-sample> .*-test-script:2:\d+: Argument .*answer/,
        );
      },
    });

    await t.step({
      name:
        "does not build where a Python script uses a name that nothing binds",
      ignore: pythonCheckers === undefined,
      fn: async () => {
        const driver = (script: string) =>
          `(${python(script, "skipTypeCheck = true;")}).driver`;
        await nix.build(driver("print(os, driver, machine, node1, vlan1)"));
        const error = await assertRejects(
          () => nix.build(driver("nod1.succeed('true')")),
          NixError,
        );
        assertMatch(
          error.message,
          /nixos-test-driver-sample> .*-test-script:1:1: Undefined name `nod1`/,
        );
      },
    });

    // The test of containers, below, checks a script's types in the first.
    for (
      const [generation, checks] of [
        ["environment", unchecked],
        ["configuration", ""],
      ]
    ) {
      await t.step(
        `runs through the framework that speaks in its ${generation}`,
        async () => {
          const out = await nix.build(`
        (standIn "${generation}" {
          imports = [ (vmwright.testModule { }) ];
          name = "framework";
          nodes.node1 = { };
          ${checks}
          testScriptLanguage = "typescript";
          testScript = ''
            await startAll();
            await node1.succeed("true");
          '';
        }).config.test`);
          assert(names(out).includes("report.html"));
        },
      );
    }
  },
);

Deno.test("a framework test built by nix that fails", {
  ignore: missing !== undefined,
}, async (t) => {
  await using nix = await nixWithGuests();
  const failing = (more = "") => `
    (standIn "configuration" {
      imports = [ (vmwright.testModule { }) ];
      name = "failing";
      nodes.node1 = { };
      ${unchecked}
      vmwright.language = "typescript";
      testScript = \'\'
        await subtest("the sum is right", () => {
          assertEquals(6 * 7, 43);
        });
      \'\';
      ${more}
    }).config.test`;

  await t.step("has its report and logs in another derivation", async () => {
    await assertRejects(() => nix.build(failing()), NixError, "42");
    const out = await nix.build(`(${failing()}).report`);
    assertEquals(Deno.readTextFileSync(`${out}/verdict`), "failed\n");
    assertStringIncludes(
      Deno.readTextFileSync(`${out}/report.html`),
      "the sum is right",
    );
  });

  await t.step(
    "has none where something else than the test fails",
    async () => {
      const error = await assertRejects(
        () =>
          nix.build(
            `(${failing('extraDriverArgs = [ "--no-such-flag" ];')}).report`,
          ),
        NixError,
      );
      assertMatch(error.message, /vm-test-report-failing> .*--no-such-flag/);
    },
  );
});

Deno.test("a driver built by nix", {
  ignore: missing !== undefined,
}, async (t) => {
  await using nix = await nixWithGuests();

  /** Runs a driver with nothing in its environment and no arguments. */
  async function runBare(driver: string, folder: string) {
    const { code, stdout, stderr } = await new Deno.Command(
      `${driver}/bin/nixos-test-driver`,
      { clearEnv: true, cwd: nix.folder(folder), stdin: "null" },
    ).output();
    const decoder = new TextDecoder();
    return { code, log: decoder.decode(stdout) + decoder.decode(stderr) };
  }

  await t.step("runs with no arguments and an empty environment", async () => {
    const driver = await nix.build(
      `(${test('await node1.succeed("true");', unchecked)}).driver`,
    );
    const { code, log } = await runBare(driver, "passing");
    assertEquals(code, 0, log);
  });

  await t.step(
    "names a machine as the test does, whatever its start script is called",
    async () => {
      const driver = await nix.build(`
      vmwright.mkDriver {
        inherit pkgs;
        machines.web = pkgs.guestVm "node1";
        ${unchecked}
        testScript = ''
          if (web.name !== "web") throw new Error(web.name);
          await web.succeed("true");
        '';
      }`);
      const { code, log } = await runBare(driver, "named");
      assertEquals(code, 0, log);
    },
  );

  await t.step(
    "has the containers of a framework that speaks in its environment",
    async () => {
      const driver = await nix.build(`
      (standIn "containers" {
        imports = [ (vmwright.testModule { }) ];
        name = "framework";
        nodes.node1 = { };
        containers.jail = { };
        testScriptLanguage = "typescript";
        testScript = ''
          assert(node1 instanceof QemuMachine);
          assert(jail instanceof ContainerMachine);
          assertEquals(machines.length, 2);
        '';
      }).config.driver`);
      const { code, log } = await runBare(driver, "containers");
      assertEquals(code, 0, log);
    },
  );

  await t.step(
    "runs a script from a file together with the files that it imports",
    async () => {
      const scripts = nix.folder("scripts");
      Deno.writeTextFileSync(
        `${scripts}/main.ts`,
        'import { command } from "./command.ts";\nawait node1.succeed(command);\n',
      );
      Deno.writeTextFileSync(
        `${scripts}/command.ts`,
        'export const command = "echo imported";\n',
      );
      const driver = await nix.build(`
      vmwright.mkDriver {
        inherit pkgs;
        nodes.node1.system.build.vm = pkgs.guestVm "node1";
        ${unchecked}
        testScript = "\${${scripts}}/main.ts";
      }`);
      const { code, log } = await runBare(driver, "files");
      assertEquals(code, 0, log);
      assertStringIncludes(log, "echo imported");
    },
  );
});
