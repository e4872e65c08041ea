import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Driver } from "../../../mod.ts";
import { Script } from "../../../src/script/mod.ts";
import { runPython } from "../../../src/script/python/mod.ts";
import { tracebackOf } from "../../../src/script/traceback.ts";
import { guest } from "../../guests/mod.ts";
import { onTiny } from "../../python/scripts.ts";
import { temporaryDirectory, vmwright } from "../../cli/vmwright.ts";
import { Recorder } from "./recorder.ts";

const scripts = new URL("../../python/tiny/", import.meta.url).pathname;

Deno.test("Python scripts in the forms of NixOS tests run on tiny", async (t) => {
  const { startScriptFor } = await guest("tiny");
  const outDir = await Deno.makeTempDir();
  const { log } = new Recorder();
  await using driver = await Driver.create({
    machines: [startScriptFor("machine")],
    vlans: [1],
    outDir,
    log,
  });
  for (const name of onTiny) {
    await t.step(name, async () => {
      try {
        const script = new Script({ path: scripts + name, language: "python" });
        await runPython(script, driver);
      } catch (error) {
        throw new Error(tracebackOf(error) ?? String(error), { cause: error });
      }
    });
  }
  await Deno.remove(outDir, { recursive: true });
});

Deno.test("a configuration of upstream's runs its script, which finds its state", async () => {
  const { startScriptFor } = await guest("tiny");
  using directory = temporaryDirectory({
    "test-script": await Deno.readTextFile(`${scripts}environment.py`),
    "config.json": JSON.stringify({
      vms: {
        machine: { name: "machine", start_script: startScriptFor("machine") },
      },
      containers: {},
      vlans: [],
      global_timeout: 600,
      enable_ssh_backdoor: true,
      test_script: "./test-script",
    }),
    "out/keep": "",
    "bin/vhost-device-vsock": await Deno.readTextFile(
      new URL("../../driver/vhost-device-vsock.py", import.meta.url),
    ),
  });
  Deno.chmodSync(`${directory.path}/bin/vhost-device-vsock`, 0o755);
  const { code, stderr } = await vmwright(
    ["--config", "config.json", "-o", "out", "--junit-xml", "junit.xml"],
    {
      cwd: directory.path,
      env: {
        TMPDIR: directory.path,
        XDG_RUNTIME_DIR: "",
        PATH: `${directory.path}/bin:${Deno.env.get("PATH")}`,
      },
    },
  );
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "machine: must succeed: cat /proc/cmdline");
  assertMatch(
    stderr,
    /^machine is reached by: ssh -o User=root vsock-mux\/\/\S+\/host$/m,
  );
  assertStringIncludes(
    await Deno.readTextFile(`${directory.path}/out/junit.xml`),
    "<testcase",
  );
  // Only the requested files are left.
  assertEquals(
    [...Deno.readDirSync(directory.path)].map(({ name }) => name).sort(),
    ["bin", "config.json", "out", "test-script"],
  );
});

Deno.test("a test without nodes makes its machines itself", async () => {
  const { startScriptFor } = await guest("tiny");
  const command = JSON.stringify(startScriptFor("machine"));
  using directory = temporaryDirectory({
    "test-script": [
      "assert machines == [] and 'machine' not in globals()",
      "start_all()",
      `made = create_machine(${command}, name="made", fast_forward=True)`,
      'made.succeed("sleep 3600", timeout=600)',
      'assert made.succeed("echo hello") == "hello\\n"',
      'assert os.path.isdir("vm-state-made"), os.listdir(".")',
      "made.shutdown()",
      "join_all()",
    ].join("\n"),
    "test.ts": `
      const made = createMachine(${command});
      assertEquals(await made.succeed("echo hello"), "hello\\n");
      await made.shutdown();`,
    "config.json": JSON.stringify({
      vms: {},
      containers: {},
      vlans: [],
      global_timeout: 600,
      enable_ssh_backdoor: false,
      test_script: "test-script",
    }),
  });
  const env = { TMPDIR: directory.path, XDG_RUNTIME_DIR: "" };
  const python = await vmwright(["--config", "config.json"], {
    cwd: directory.path,
    env,
  });
  assertEquals(python.code, 0, python.stderr);
  const typescript = await vmwright(["test.ts"], {
    cwd: directory.path,
    env: { ...env, startScripts: "" },
  });
  assertEquals(typescript.code, 0, typescript.stderr);
});

Deno.test("a failing script shows its own lines, and exits with 1", async () => {
  const { startScriptFor } = await guest("tiny");
  using directory = temporaryDirectory({
    "failing.py": [
      "def check(command):",
      '    with subtest("it works"):',
      "        machine.succeed(command)",
      "",
      'check("echo wrong; exit 3")',
      "",
    ].join("\n"),
  });
  const { code, stderr } = await vmwright([
    "--start-scripts",
    startScriptFor("machine"),
    "--test-script",
    "failing.py",
    "--junit-xml",
    "junit.xml",
  ], { cwd: directory.path });
  assertEquals(code, 1);
  const shown = stderr.split("\n").filter((line) => line.startsWith("!!!"))
    .map((line) => line.slice(4)).filter((line) => !/^ +[\^~]+$/.test(line));
  assertEquals(shown[0].replace(/:\d+$/, ""), "failing.py:3");
  const begin = shown.indexOf("Traceback (most recent call last):");
  assertEquals(shown.slice(begin, begin + 6), [
    "Traceback (most recent call last):",
    '  File "failing.py", line 5, in <module>',
    '    check("echo wrong; exit 3")',
    '  File "failing.py", line 3, in check',
    "    machine.succeed(command)",
    "RequestedAssertionFailed: command `echo wrong; exit 3` failed " +
    "(exit code 3); its output ended with:",
  ]);
  const junit = await Deno.readTextFile(`${directory.path}/junit.xml`);
  assertMatch(junit, /<testcase[^>]*name="it works"[^>]*>\s*<failure/);
});
