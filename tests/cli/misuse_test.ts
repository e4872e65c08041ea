import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { temporaryDirectory, vmwright } from "./vmwright.ts";

const files = {
  "run-a-vm": "#!/bin/sh\ntouch started\n",
  "b/run-a-vm": "#!/bin/sh\ntouch started\n",
  "run-plain": "not executable",
  "run-store-vm": "#!/nix/store/gone/bin/bash -e\n",
  "run-dos-vm": "#!/bin/sh\r\nexec true\r\n",
  "test.ts": "throw new Error('must not run')",
  "test.py": "raise Exception('must not run')",
  "executable.py": "#!/usr/bin/python3\n",
  "test.js": "machine.suceed('true');",
  "out/x": "",
  "taken/a.log/x": "",
  "long.json": JSON.stringify({
    vms: { a: { name: "ä".repeat(150), start_script: "./run-a-vm" } },
  }),
  "no.json": "{",
  "list.json": "[]",
  "script.json": 'log.info("x")\n\x1b[31m' + "x".repeat(100),
  "escape.json": "\x1b",
  "vms.json": `{"vms": []}`,
  "machine.json": `{"vms": {"a": 5}}`,
  "start.json": `{"vms": {"a b": {"start_script": 5}}}`,
  "name.json": `{"vms": {"a": {"name": "", "start_script": "x"}}}`,
  "vlans.json": `{"vlans": [1, "2"]}`,
  "timeout.json": `{"global_timeout": "60"}`,
  "ssh.json": `{"enable_ssh_backdoor": "yes"}`,
  "number.json": `{"test_script": 1}`,
  "backend.json": `{"machines": [{"name": "a", "backend": "bochs"}]}`,
  "unnamed.json": `{"machines": [{"backend": "qemu"}]}`,
  "fast.json": `{"machines": [{"name": "a", "backend": "qemu",
    "start_command": "/bin/true", "fast_forward": "yes"}]}`,
  "nobody.json": `{"vlans": [], "test_script": "test.ts"}`,
  "doubles.json": `{"vms": {"a": {"name": "x", "start_script": "/bin/true"},
    "b": {"name": "x", "start_script": "/bin/false"}}}`,
};

const executables = ["executable.py"];

const one = ["--start-scripts", "run-a-vm"];

const cases: [string[], string, Record<string, string>?][] = [
  // options
  [["--vlanz", "1"], "unknown option --vlanz; did you mean --vlans?"],
  [["--config"], "--config expects a value (--config F)"],
  [["--watch=yes"], `--watch takes no value, got "yes"`],
  [
    ["test.ts", ...one, "--fork-memory", "0"],
    `--fork-memory expects a number of MiB from 1 up, got "0"`,
  ],
  [
    ["test.ts", ...one, "--seed", "-1"],
    `--seed expects a whole number from 0 up, got "-1"`,
  ],
  [
    ["test.ts", ...one, "--capture", "never"],
    `--capture expects always or failed, got "never"`,
  ],
  // scripts
  [
    one,
    "no test script: name a file, or set the environment variable testScript",
  ],
  [
    ["--start-scripts", "run-a-vm", "no.ts"],
    `test script "no.ts" does not exist`,
  ],
  [
    ["--start-scripts", "run-a-vm", "executable.py"],
    "no test script: executable.py is executable and was taken for a start script; name it before --start-scripts, or with --test-script",
  ],
  [["no.ts", ...one], `test script "no.ts" does not exist`],
  [["test.ts/x", ...one], `test script "test.ts/x" does not exist`],
  [["b", ...one], `test script "b" is a directory`],
  [["test.ts", "more", ...one], `unexpected argument "more" after "test.ts"`],
  [
    ["test.ts", "--test-script", "test.py", ...one],
    "two test scripts: test.py and test.ts",
  ],
  [one, `test script "gone.py" does not exist`, { testScript: "gone.py" }],
  [
    ["test.ts", "--language", "perl", ...one],
    `--language expects typescript or python, got "perl"`,
  ],
  [
    ["test.py", ...one],
    "test.py is written in Python, but there is no python3 on PATH",
    { PATH: "/nowhere:/etc" },
  ],
  [
    ["-I", "--language", "python", ...one],
    "the prompt is in Python, but there is no python3 on PATH",
    { PATH: "/nowhere:/etc" },
  ],
  // machines
  [
    ["test.ts"],
    "no machines: name their start scripts with --start-scripts, the environment variable startScripts, or --config",
  ],
  [
    ["test.ts", "--start-scripts"],
    "no machines: name their start scripts with --start-scripts, the environment variable startScripts, or --config",
  ],
  [
    ["test.ts", "--machine-config", "backend.json"],
    `backend.json: $.machines[0].backend must be "qemu", "nspawn", "firecracker" or "cloud-hypervisor", got "bochs"`,
  ],
  [
    ["test.ts"],
    "unnamed.json: $.machines[0].name must be a machine's name, got nothing",
    { machineConfig: "unnamed.json" },
  ],
  [
    ["test.ts", "--machine-config", "fast.json"],
    `fast.json: $.machines[0].fast_forward must be true or false, got "yes"`,
  ],
  [
    ["test.ts", "--machine-config", "backend.json", "-c", "nobody.json"],
    "two configuration files: nobody.json and backend.json",
  ],
  [
    ["test.ts", "--config", "nobody.json"],
    "no machines: name their start scripts with --start-scripts, the environment variable startScripts, or --config",
  ],
  [
    ["test.ts", "--start-scripts", "./run-b-vm"],
    `start script "./run-b-vm" does not exist`,
  ],
  [["test.ts", "--start-scripts", "b"], `start script "b" is a directory`],
  [
    ["test.ts", "--start-scripts", "./run-plain"],
    `start script "./run-plain" is not executable`,
  ],
  [
    ["test.ts", "--start-scripts", "./run-store-vm"],
    `start script "./run-store-vm" is run by "/nix/store/gone/bin/bash", which does not exist`,
  ],
  [
    ["test.ts", "--start-scripts", "./run-dos-vm"],
    `start script "./run-dos-vm" is run by "/bin/sh\\r", which does not exist`,
  ],
  [
    ["test.ts", "--start-scripts", ""],
    "Expected a start script or a command, got none",
  ],
  [
    ["test.ts", "--start-scripts", "run-a-vm", "b/run-a-vm"],
    `two machines are named "a": run-a-vm and b/run-a-vm`,
  ],
  [
    ["test.ts", "--config", "doubles.json"],
    `two machines are named "x": /bin/true and /bin/false`,
  ],
  // numbers
  [
    ["test.ts", ...one, "--vlans", "1", "two"],
    `--vlans expects numbers from 0 up, got "two"; if that is the test script, name it first`,
  ],
  [
    ["test.ts", ...one, "--vlans", "1", "-2"],
    `--vlans expects numbers from 0 up, got "-2"`,
  ],
  [
    ["test.ts", ...one, "--vlans", "1", "./test.ts"],
    `unexpected argument "./test.ts" after "test.ts"`,
  ],
  [
    ["test.ts", ...one, "--vlans=-1"],
    `--vlans expects numbers from 0 up, got "-1"`,
  ],
  [
    ["test.ts", ...one],
    `the environment variable vlans expects numbers from 0 up, got "1,2"`,
    { vlans: "1,2" },
  ],
  ...["soon", "0", "-1", "1e9", "NaN", ""].map((word): [string[], string] => [
    ["test.ts", ...one, `--global-timeout=${word}`],
    `--global-timeout expects seconds, more than 0 and at most 2147483, got ${
      JSON.stringify(word)
    }`,
  ]),
  [
    ["test.ts", ...one],
    `the environment variable globalTimeout expects seconds, more than 0 and at most 2147483, got "1h"`,
    { globalTimeout: "1h" },
  ],
  [
    ["test.ts", ...one, "--dump-vsocks", "x"],
    `--dump-vsocks expects a number from 0 up, got "x"`,
  ],
  [
    ["test.ts", ...one, "--log-level", "loud"],
    `--log-level expects debug, info, warning or error, got "loud"`,
  ],
  [
    ["test.ts", ...one],
    `the environment variable logLevel expects debug, info, warning or error, got "loud"`,
    { logLevel: "loud" },
  ],
  [
    ["test.ts", ...one, "--console", "loud"],
    `--console expects live, quiet or failed, got "loud"`,
  ],
  [
    ["test.ts", ...one],
    `the environment variable console expects live, quiet or failed, got "1"`,
    { console: "1" },
  ],
  // directories and reports
  [
    ["test.ts", ...one, "-o", "test.py/out"],
    `output directory "test.py/out" can't be made: test.py is not a directory`,
  ],
  [
    ["test.ts", ...one, "-o", "/proc/out/deep"],
    `output directory "/proc/out/deep" can't be made: /proc is not writable`,
  ],
  [
    ["test.ts", ...one, "-o", "new", "--junit-xml", "no/j.xml"],
    `JUnit report "no/j.xml" can't be written`,
  ],
  [
    ["test.ts", ...one, "-o", "test.py"],
    `output directory "test.py" is not a directory`,
  ],
  [
    ["test.ts", ...one, "-o", "/proc"],
    `output directory "/proc" is not writable`,
  ],
  [
    ["test.ts", ...one, "-o", "taken"],
    `console log "a.log" is a directory`,
  ],
  [
    ["test.ts", "--config", "long.json"],
    "Expected machine names of up to 244 bytes, because files have these names, " +
    `got "${"ä".repeat(20)}…", which has 300`,
  ],
  [
    ["test.ts", ...one, "-o", "out", "--junit-xml", "no/j.xml"],
    `JUnit report "no/j.xml" can't be written`,
  ],
  [
    ["test.ts", ...one, "--html", "b"],
    `HTML report "b" is a directory`,
  ],
  [
    ["test.ts", ...one],
    `XML log "/nowhere/log.xml" can't be written`,
    { LOGFILE: "/nowhere/log.xml" },
  ],
  // two outputs in one file
  [
    ["test.ts", ...one, "-o", "out", "--junit-xml", "r", "--html", "./r"],
    "the JUnit report and the HTML report would both be in @/out/r",
  ],
  [
    ["test.ts", ...one, "-o", "out", "--junit-xml", "report.html"],
    "the JUnit report and the HTML report would both be in @/out/report.html",
  ],
  [
    ["test.ts", ...one, "-o", "out", "--html", "a.log"],
    "the HTML report and the console of a would both be in @/out/a.log",
  ],
  [
    ["test.ts", ...one, "-o", "new/", "--html", "a.log"],
    "the HTML report and the console of a would both be in @/new/a.log",
  ],
  [
    ["test.ts", ...one, "-o", "out"],
    "the HTML report and the XML log would both be in @/out/report.html",
    { LOGFILE: "out/../out/report.html" },
  ],
  // the configuration file
  [["--config", "gone.json"], `configuration file "gone.json" does not exist`],
  [["--config", "b"], `configuration file "b" is a directory`],
  [
    ["--config", "no.json"],
    "no.json is not JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2)",
  ],
  [["--config", "script.json"], 'script.json is not JSON: unexpected "l"'],
  [
    ["--config", "escape.json"],
    `escape.json is not JSON: unexpected "\\u001b"`,
  ],
  [["--config", "list.json"], "list.json: $ must be an object, got a list"],
  [
    ["--config", "vms.json"],
    "vms.json: $.vms must be an object of machines, got a list",
  ],
  [
    ["--config", "machine.json"],
    "machine.json: $.vms.a must be an object with a start_script, got 5",
  ],
  [
    ["--config", "start.json"],
    `start.json: $.vms["a b"].start_script must be the path of a start script, got 5`,
  ],
  [
    ["--config", "name.json"],
    `name.json: $.vms.a.name must be a machine's name, got ""`,
  ],
  [
    ["--config", "vlans.json"],
    `vlans.json: $.vlans[1] must be a number from 0 up, got "2"`,
  ],
  [
    ["--config", "timeout.json"],
    `timeout.json: $.global_timeout must be a number of seconds above 0, got "60"`,
  ],
  [
    ["--config", "ssh.json"],
    `ssh.json: $.enable_ssh_backdoor must be true or false, got "yes"`,
  ],
  [
    ["--config", "number.json"],
    "number.json: $.test_script must be the path of a test script, got 1",
  ],
  // subcommands
  [["eval"], "eval expects code to run"],
  [["eval-file"], "eval-file expects a file to run"],
  [["eval-file", "gone.ts"], `test script "gone.ts" does not exist`],
  [["eval", "1", "2"], `unexpected argument "2" after "1"`],
  [
    ["eval", "1", "--vlans", "1"],
    "eval runs code that makes its own driver, and takes no --vlans",
  ],
  [["check"], "check expects a script"],
  [
    ["check", "test.js"],
    "test.js is JavaScript, whose types are checked only if it has a line `// @ts-check`",
  ],
  [["types", "test.ts"], `unexpected argument "test.ts"`],
  // the rest
  [
    ["test.ts", ...one, "--keep-machines"],
    "--keep-machines needs --watch",
  ],
  [
    [...one, "--watch", "-I"],
    "--watch expects a test script in a file",
  ],
  [
    ["test.ts", ...one, "--workers", "2"],
    "--workers is an option of vmwright test",
  ],
  [
    ["test.ts", ...one, "--history", "x"],
    "--history is an option of vmwright test and vmwright report",
  ],
];

for (const [args, message, env] of cases) {
  const environment = Object.entries(env ?? {})
    .map(([name, value]) => `${name}=${JSON.stringify(value)} `).join("");
  Deno.test(`misuse: ${environment}vmwright ${args.join(" ")}`, async () => {
    using directory = temporaryDirectory(files);
    for (const name of executables) {
      Deno.chmodSync(`${directory.path}/${name}`, 0o755);
    }
    const run = await vmwright(args, { cwd: directory.path, env });
    assertEquals(run, {
      code: 2,
      stdout: "",
      stderr: `vmwright: ${message.replace("@/", `${directory.path}/`)}\n`,
    });
    const before = Object.keys(files).map((name) => name.split("/")[0]);
    assertEquals(
      [...Deno.readDirSync(directory.path)].map(({ name }) => name).sort(),
      [...new Set(before)].sort(),
    );
  });
}

/** Files that one may not use, by their modes. */
const forbidden: [string, number, string[], string][] = [
  ["test.ts", 0o200, ["test.ts", ...one], "Permission denied"],
  ["test.py", 0o200, ["test.py", ...one], "Permission denied"],
  ["test.ts", 0o200, ["eval-file", "test.ts"], "Permission denied"],
  ["test.ts", 0o200, ["check", "test.ts"], "Permission denied"],
  ["no.json", 0o200, ["--config", "no.json"], "Permission denied"],
  ["run-a-vm", 0o611, ["test.ts", ...one], "not executable"],
  ["taken/b.log", 0o400, [
    ...["test.ts", "-o", "taken"],
    ...["--start-scripts", "b/run-b-vm"],
  ], `console log "b.log" can't be written`],
];

for (const [file, mode, args, message] of forbidden) {
  Deno.test(`misuse: ${file} may not be used in vmwright ${args.join(" ")}`, async () => {
    using directory = temporaryDirectory({
      ...files,
      "taken/b.log": "",
      "b/run-b-vm": "#!/bin/sh\n",
    });
    Deno.chmodSync(`${directory.path}/${file}`, mode);
    const run = await vmwright(args, {
      cwd: directory.path,
      unprivileged: true,
    });
    assertEquals([run.code, run.stdout], [2, ""], run.stderr);
    assertMatch(run.stderr, /^vmwright: [^\n]*\n$/);
    assertStringIncludes(run.stderr, message);
  });
}
