import { assertEquals, assertMatch } from "@std/assert";
import { temporaryDirectory, vmwright } from "../cli/vmwright.ts";

/** Runs a script with a backdoor that a configuration asks for. */
async function run(
  program?: string,
  script = "console.log(driver.vhostVsock.size);",
) {
  using directory = temporaryDirectory({
    "run-web-vm": "#!/bin/sh\nexit 1\n",
    "run-db-vm": "#!/bin/sh\nexit 1\n",
    "test.ts": script,
    "bin/x": "",
  });
  const { path } = directory;
  const machine = (name: string) => ({
    name,
    start_script: `${path}/run-${name}-vm`,
  });
  Deno.writeTextFileSync(
    `${path}/config.json`,
    JSON.stringify({
      vms: { web: machine("web"), db: machine("db") },
      enable_ssh_backdoor: true,
      test_script: `${path}/test.ts`,
    }),
  );
  if (program !== undefined) {
    Deno.writeTextFileSync(`${path}/bin/vhost-device-vsock`, program, {
      mode: 0o755,
    });
  }
  return await vmwright(["-c", "config.json", "--no-html", "--no-check"], {
    cwd: path,
    env: { PATH: `${path}/bin` },
  });
}

Deno.test("without vhost-device-vsock there is no backdoor, and one sentence says so", async () => {
  const { code, stdout, stderr } = await run();
  assertEquals([code, stdout], [0, "0\n"], stderr);
  assertEquals(stderr.match(/^.*backdoor.*$/gm), [
    "there is no ssh backdoor: vhost-device-vsock is not on PATH",
  ]);
  assertEquals(/is reached by/.test(stderr), false);
});

Deno.test("a machine that a test makes itself gets no backdoor, as a warning says", async () => {
  const { code, stderr } = await run(
    undefined,
    'createMachine("/x/run-more-vm"); createMachine("/x/run-jail-nspawn");',
  );
  assertEquals(code, 0, stderr);
  assertEquals(stderr.match(/^more.*backdoor.*$/gm), [
    "more: more has no ssh backdoor: only machines that the driver begins with " +
    "get one",
  ]);
  assertEquals(/jail has no/.test(stderr), false);
});

Deno.test("the test goes on if vhost-device-vsock does not start", async () => {
  const { code, stdout, stderr } = await run(
    '#!/bin/sh\necho "I can\'t: $1" >&2\nexit 3\n',
  );
  assertEquals([code, stdout], [0, "0\n"], stderr);
  assertMatch(
    stderr,
    /^there is no ssh backdoor: vhost-device-vsock ended with status 3: I can't: --guest-cid$/m,
  );
});
