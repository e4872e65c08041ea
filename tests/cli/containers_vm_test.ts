/** A configuration of NixOS's with containers in it. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { containerScript, noContainers } from "../guests/container.ts";
import { guest } from "../guests/mod.ts";
import { temporaryDirectory, vmwright } from "./vmwright.ts";

const ignore = noContainers !== undefined;

/** Runs a script with the container `jail` and the virtual machine `node2`. */
async function run(
  name: string,
  script: string,
): Promise<{ code: number; stdout: string; stderr: string; log: string }> {
  using directory = temporaryDirectory({ [name]: script, "out/x": "" });
  const { path } = directory;
  const { startScriptFor } = await guest("tiny");
  const config = {
    vms: { node2: { name: "node2", start_script: startScriptFor("node2") } },
    containers: {
      jail: { name: "jail", start_script: containerScript(path, "other") },
    },
    vlans: [],
    global_timeout: 600,
    enable_ssh_backdoor: false,
    test_script: name,
  };
  Deno.writeTextFileSync(`${path}/c.json`, JSON.stringify(config));
  const finished = await vmwright(["--config", "c.json", "-o", "out"], {
    cwd: path,
    env: { XDG_RUNTIME_DIR: path },
  });
  return { ...finished, log: Deno.readTextFileSync(`${path}/out/jail.log`) };
}

Deno.test(
  "a TypeScript script finds containers beside virtual machines, with their types",
  { ignore },
  async () => {
    const { code, stdout, stderr, log } = await run(
      "test.ts",
      `
    await startAll();
    await Promise.all([
      jail.waitForUnit("multi-user.target"),
      node2.succeed("true"),
    ]);
    assertEquals(machinesNspawn, [jail]);
    assertEquals(machinesQemu, [node2]);
    const answer: string = await jail.succeed("cat /proc/1/comm");
    console.log(answer, jail.backend, node2.backend);`,
    );
    assertEquals(code, 0, stderr);
    assertEquals(stdout, "systemd\n nspawn qemu\n");
    assertMatch(stderr, /^jail # .*Welcome to/m);
    assertStringIncludes(log, "Welcome to");
  },
);

Deno.test(
  "a Python script finds containers beside virtual machines, with their classes",
  { ignore },
  async () => {
    const { code, stdout, stderr } = await run(
      "test.py",
      `
start_all()
jail.wait_for_unit("multi-user.target")
t.assertEqual(machines, [jail, node2])
t.assertEqual(machines_nspawn, [jail])
t.assertEqual(machines_qemu, [node2])
t.assertEqual(driver.machines_nspawn, [jail])
t.assertIsInstance(jail, BaseMachine)
t.assertNotIsInstance(jail, Machine)
t.assertEqual(type(jail).__name__, "NspawnMachine")
t.assertEqual(jail.execute("echo y; exit 3"), (3, "y\\n"))
jail.succeed("echo said by a service | systemd-cat")
jail.wait_for_console_text("said by a .ervice")
with subtest("only QEMU"):
    with t.assertRaisesRegex(AttributeError, "needs a machine that QEMU runs"):
        jail.send_monitor_command("info status")
jail.reboot()
jail.succeed("true")
jail.crash()
t.assertFalse(jail.is_up())
jail.start()
jail.shutdown()
print(node2.succeed("echo of the virtual machine"))
`,
    );
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "of the virtual machine");
  },
);

Deno.test(
  "a script that fails in a container shows its line and the container's console",
  { ignore },
  async () => {
    const { code, stderr } = await run(
      "test.ts",
      `await jail.start();
await Promise.all([
  jail.succeed("systemctl poweroff --no-block"),
  jail.waitForFile("/never"),
]);`,
    );
    assertEquals(code, 1);
    assertMatch(stderr, /^!!! test\.ts:\d/m);
    assertMatch(
      stderr,
      /^!!! MachineError: jail ended: the container powered off\n!!! its console said last:\n/m,
    );
    assert(stderr.includes("Powering off."));
  },
);
