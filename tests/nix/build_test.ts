import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { guest } from "../guests/mod.ts";
import { missing, Nix, NixError } from "./nix.ts";

/** Nix with a vmwright that runs from the checkout, and with guests called node1 and node2. */
async function nixWithGuests(): Promise<Nix> {
  const tiny = await guest("tiny");
  const scripts = ["node1", "node2"].map((name) => tiny.startScriptFor(name));
  const info = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
  }).output();
  return new Nix({
    VMWRIGHT_TEST_PATH: Deno.env.get("PATH")!,
    VMWRIGHT_TEST_DENO: Deno.execPath(),
    VMWRIGHT_TEST_DENO_DIR:
      JSON.parse(new TextDecoder().decode(info.stdout)).denoDir,
    VMWRIGHT_TEST_GUESTS: scripts[0].replace(/\/[^/]*$/, ""),
  });
}

/** Whether a program is missing under each of its names, which is then said. */
function lacks(...names: string[]): boolean {
  const { success } = new Deno.Command("sh", {
    args: ["-c", `command -v ${names.join(" || command -v ")}`],
    stdout: "null",
  }).outputSync();
  if (!success) console.log(`tests/nix: a step is skipped, no ${names[0]}`);
  return !success;
}

const test = (script: string, more = "") => `
  vmwright.mkTest {
    inherit pkgs;
    name = "sample";
    nodes.node1 = { };
    testScript = ''${script}'';
    ${more}
  }`;

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

    const failing = test(`
    await startAll();
    await subtest("the sum is right", async () => {
      await node1.succeed("echo the sum is wrong; exit 3");
    });
  `);

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
              "globalTimeout = 4;",
            )
          }).report`,
        );
        assertEquals(Deno.readTextFileSync(`${out}/verdict`), "timeout\n");
      },
    );

    await t.step("connects its nodes", async () => {
      await nix.build(`
      vmwright.mkTest {
        inherit pkgs;
        nodes = { node1 = { }; node2 = { }; };
        testScript = ''
          await startAll();
          await node1.succeed("ping -c 1 -w 30 192.168.1.2");
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

    const python = (script: string, more = "") =>
      test(script, `testScriptLanguage = "python"; ${more}`);
    const unchecked = "skipTypeCheck = true; skipLint = true;";

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
      ignore: lacks("mypy"),
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
          /nixos-test-driver-sample> .*"QemuMachine" has no attribute "sucseed"/,
        );
      },
    });

    await t.step({
      name:
        "does not build where a Python script uses a name that nothing binds",
      ignore: lacks("pyflakes", "pyflakes3"),
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
          /nixos-test-driver-sample> .*undefined name 'nod1'/,
        );
      },
    });

    for (const generation of ["environment", "configuration"]) {
      await t.step(
        `runs through the framework that speaks in its ${generation}`,
        async () => {
          const out = await nix.build(`
        (standIn "${generation}" {
          imports = [ (vmwright.testModule { }) ];
          name = "framework";
          nodes.node1 = { };
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
      `(${test('await node1.succeed("true");')}).driver`,
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
          assertEquals(node1.isContainer, false);
          assertEquals(jail.isContainer, true);
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
        testScript = "\${${scripts}}/main.ts";
      }`);
      const { code, log } = await runBare(driver, "files");
      assertEquals(code, 0, log);
      assertStringIncludes(log, "echo imported");
    },
  );
});
