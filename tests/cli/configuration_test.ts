import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UsageError } from "../../src/errors.ts";
import { configure } from "../../src/cli/configuration.ts";
import { temporaryDirectory } from "./vmwright.ts";

const files = {
  "run-web-vm": "#!/bin/sh\n",
  "run-db-vm": "#!/bin/sh\n",
  "test.ts": "",
  "test.py": "",
  "test": "",
  "out/keep": "",
  "config.json": JSON.stringify({
    vms: {
      one: { name: "first", start_script: "/bin/true" },
      two: { start_script: "/bin/false" },
    },
    containers: {},
    vlans: [3, 1],
    global_timeout: 60,
    enable_ssh_backdoor: true,
    test_script: "@/test",
  }),
};

/** Configures in a directory with the files above, which is `@` everywhere. */
function configured(
  line: string[],
  environment: Record<string, string> = {},
  // deno-lint-ignore no-explicit-any
): any {
  using directory = temporaryDirectory(files);
  const config = `${directory.path}/config.json`;
  const there = (text: string) => text.replaceAll("@", directory.path);
  Deno.writeTextFileSync(config, there(files["config.json"]));
  const configuration = configure(
    [...line.map(there), ...line.includes("-o") ? [] : ["-o", directory.path]],
    {
      get: (name) =>
        environment[name] === undefined ? undefined : there(environment[name]),
    },
  );
  return JSON.parse(
    JSON.stringify(configuration).replaceAll(directory.path, "@"),
  );
}

Deno.test("a run has sensible defaults", () => {
  assertEquals(configured(["@/test.ts", "--start-scripts", "@/run-web-vm"]), {
    command: "run",
    machines: [{ name: "web", startCommand: "@/run-web-vm" }],
    containers: [],
    vlans: [],
    script: { path: "@/test.ts", language: "typescript" },
    language: "typescript",
    outDir: "@",
    fresh: false,
    keepState: false,
    interactive: false,
    watch: false,
    keepMachines: false,
    check: true,
    lint: true,
    html: "@/report.html",
    reportServer: false,
    logLevel: "info",
    dumpMemory: false,
    keepGoing: false,
    screenshots: "failed",
    video: false,
    stopOnFailure: false,
    sshBackdoor: false,
    vhostVsock: false,
    warnings: [],
  });
});

Deno.test("the environment is read if no option is given", () => {
  const {
    machines,
    vlans,
    script,
    globalTimeout,
    xmlLog,
    logLevel,
  } = configured([], {
    startScripts: " @/run-web-vm\n\t@/run-db-vm ",
    vlans: "1  2 1",
    testScript: "@/test",
    globalTimeout: "7.5",
    LOGFILE: "@/log.xml",
    logLevel: "WARNING",
  });
  assertEquals(logLevel, "warning");
  assertEquals(machines.map((m: { name: string }) => m.name), ["web", "db"]);
  assertEquals(vlans, [1, 2]);
  assertEquals(script, { path: "@/test", language: "python" });
  assertEquals([globalTimeout, xmlLog], [7.5, "@/log.xml"]);
});

Deno.test("a file of machines says by which backend each runs", () => {
  using directory = temporaryDirectory({
    "machines.json": JSON.stringify({
      machines: [
        { name: "a", backend: "qemu", start_command: "/bin/true", vcpus: 2 },
        {
          name: "b",
          backend: "qemu",
          start_command: "/bin/false",
          fast_forward: true,
        },
      ],
      vlans: [1],
      global_timeout: 60,
    }),
  });
  const file = `${directory.path}/machines.json`;
  for (
    const configuration of [
      configured(["@/test.py", "--machine-config", file]),
      configured(["@/test.py"], { machineConfig: file, startScripts: "" }),
    ]
  ) {
    const { machines, vlans, globalTimeout, warnings } = configuration;
    assertEquals(machines, [
      { name: "a", startCommand: "/bin/true", backend: "qemu" },
      {
        name: "b",
        startCommand: "/bin/false",
        backend: "qemu",
        fastForward: true,
      },
    ]);
    assertEquals([vlans, globalTimeout], [[1], 60]);
    assertEquals(warnings, [
      `${file}: $.machines[0].vcpus is unknown and has no effect`,
    ]);
  }
});

Deno.test("keys for looking into a container cause no warning", () => {
  using directory = temporaryDirectory({
    "displays.json": JSON.stringify({
      vms: {},
      containers: {
        a: {
          start_script: "/bin/true",
          display_targets: [],
          display_exporters: {},
        },
      },
      display_viewers: {},
    }),
  });
  const { containers, warnings } = configured([
    "@/test.py",
    ...["-c", `${directory.path}/displays.json`],
  ]);
  assertEquals(containers, [{ name: "a", startCommand: "/bin/true" }]);
  assertEquals(warnings, []);
});

Deno.test("an empty list of machines is valid", () => {
  using directory = temporaryDirectory({
    "vms.json": JSON.stringify({ vms: {} }),
    "containers.json": JSON.stringify({ containers: {} }),
  });
  const none = [
    configured(["@/test.py"], { startScripts: "" }),
    configured(["@/test.py"], { startScripts: " \n" }),
    ...["vms", "containers"].map((key) =>
      configured(["@/test.py", "-c", `${directory.path}/${key}.json`])
    ),
    // Options beat the environment.
    configured(["@/test.py", "-c", `${directory.path}/vms.json`], {
      startScripts: "@/run-web-vm",
    }),
  ];
  for (const { machines, containers, command } of none) {
    assertEquals([machines, containers, command], [[], [], "run"]);
  }
});

Deno.test("an option beats the environment", () => {
  const { machines, vlans, script, globalTimeout, logLevel } = configured(
    [
      ...["--start-scripts", "@/run-db-vm", "--vlans", "3"],
      ...["--log-level", "debug"],
      ...["--test-script", "@/test.ts", "--global-timeout", "2"],
    ],
    {
      startScripts: "@/run-web-vm",
      vlans: "1",
      testScript: "@/test",
      globalTimeout: "9",
      logLevel: "error",
    },
  );
  assertEquals(logLevel, "debug");
  assertEquals(machines, [{ name: "db", startCommand: "@/run-db-vm" }]);
  assertEquals(vlans, [3]);
  assertEquals(script.path, "@/test.ts");
  assertEquals(globalTimeout, 2);
});

Deno.test("a configuration file says everything", () => {
  const configuration = configured(["-c", "@/config.json"], {
    startScripts: "@/run-web-vm",
    globalTimeout: "9",
  });
  assertEquals(configuration.machines, [
    { name: "first", startCommand: "/bin/true" },
    { name: "two", startCommand: "/bin/false" },
  ]);
  assertEquals(configuration.vlans, [3, 1]);
  assertEquals(configuration.globalTimeout, 60);
  assertEquals([configuration.sshBackdoor, configuration.vhostVsock], [
    true,
    true,
  ]);
  assertEquals(configuration.script, { path: "@/test", language: "python" });
});

Deno.test("an option beats the configuration file", () => {
  const configuration = configured([
    ...["--config", "@/config.json", "--vlans", "9", "--vlans=8"],
    ...["--start-scripts", "@/run-web-vm", "--global-timeout", "5"],
    ...["--test-script", "@/test.ts"],
  ]);
  assertEquals(configuration.machines.length, 1);
  assertEquals(configuration.vlans, [9, 8]);
  assertEquals(configuration.globalTimeout, 5);
  assertEquals(configuration.script.path, "@/test.ts");
});

Deno.test("reports are relative to the output directory, the XML log is not", () => {
  const { outDir, junitXml, html, xmlLog, events } = configured(
    [
      ...["@/test.ts", "--start-scripts", "@/run-web-vm", "-o", "@/out"],
      ...["--junit-xml", "junit.xml", "--html", "@/page.html"],
      ...["--events", "events.jsonl"],
    ],
    { LOGFILE: "/dev/null" },
  );
  assertEquals([outDir, junitXml, html, xmlLog, events], [
    "@/out",
    "@/out/junit.xml",
    "@/page.html",
    "/dev/null",
    "@/out/events.jsonl",
  ]);
});

Deno.test("the environment names the JUnit report and the events, before which options come", () => {
  const files = (args: string[], environment: Record<string, string>) => {
    const { junitXml, events } = configured(
      ["@/test.ts", "--start-scripts", "@/run-web-vm", "-o", "@", ...args],
      environment,
    );
    return [junitXml, events];
  };
  const environment = { junitXml: "j.xml", eventsFile: "e.jsonl" };
  assertEquals(files([], environment), ["@/j.xml", "@/e.jsonl"]);
  assertEquals(
    files(["--junit-xml", "own.xml", "--events", "own.jsonl"], environment),
    ["@/own.xml", "@/own.jsonl"],
  );
  assertEquals(files([], { junitXml: "", eventsFile: "" }), [
    undefined,
    undefined,
  ]);
});

Deno.test("report takes directories of a suite's results, and nothing else beside them", () => {
  using folder = temporaryDirectory({ "a.jsonl": "", "one/suite.json": "" });
  const { path } = folder;
  const configuration = configure(
    ["report", path, "-o", "out", "--fail-on-flaky", "--history", "past"],
    new Map(),
  );
  const here = Deno.cwd();
  assertEquals(configuration.suiteParts, [path]);
  assertEquals(configuration.outDir, `${here}/out`);
  assertEquals(configuration.html, `${here}/out/report.html`);
  assertEquals(configuration.history, `${here}/past`);
  assertEquals(configuration.failOnFlaky, true);
  assertThrows(
    () => configure(["report", path, `${path}/a.jsonl`], new Map()),
    UsageError,
    `report expects files of events alone, or directories alone, got "${path}/a.jsonl" and the directory "${path}"`,
  );
});

Deno.test("report takes files of events, and writes a page", () => {
  const { command, eventFiles, html } = configured(
    ["report", "a.jsonl", "b.jsonl", "-o", "@", "--html", "all.html"],
  );
  assertEquals([command, eventFiles, html], [
    "report",
    ["a.jsonl", "b.jsonl"],
    "@/all.html",
  ]);
  assertThrows(
    () => configured(["report"]),
    UsageError,
    "report expects files that --events wrote",
  );
});

Deno.test("consoles are shown as an option, else the environment, says", () => {
  const run = ["@/test.ts", "--start-scripts", "@/run-web-vm"];
  const environment = { console: "failed" };
  const shown = (...args: string[]) =>
    configured([...run, ...args], environment).console;
  assertEquals(shown(), "failed");
  assertEquals(shown("--no-console"), "quiet");
  assertEquals(shown("--console=live"), "live");
});

Deno.test("an output directory may be missing, however deep", () => {
  const { outDir, junitXml } = configured([
    ...["@/test.ts", "--start-scripts", "@/run-web-vm"],
    ...["-o", "@/new/deeper", "--junit-xml", "j.xml"],
  ]);
  assertEquals([outDir, junitXml], ["@/new/deeper", "@/new/deeper/j.xml"]);
});

Deno.test("looking at files and directories leaves nothing behind", () => {
  using directory = temporaryDirectory(files);
  const before = [...Deno.readDirSync(directory.path)].length;
  const args = ["-o", directory.path, "--junit-xml", "j.xml"];
  configure(
    [
      ...args,
      `${directory.path}/test.ts`,
      ...["--start-scripts", `${directory.path}/run-web-vm`],
    ],
    { get: () => undefined },
  );
  assertEquals([...Deno.readDirSync(directory.path)].length, before);
});

const languages: [string, string[], string][] = [
  ["a .ts file is TypeScript", ["@/test.ts"], "typescript"],
  ["a .py file is Python", ["@/test.py"], "python"],
  ["a file without an extension is Python", ["@/test"], "python"],
  [
    "--language has the last word",
    ["@/test", "--language", "typescript"],
    "typescript",
  ],
];
for (const [name, args, language] of languages) {
  Deno.test(name, () => {
    const configuration = configured([
      ...args,
      ...["--start-scripts", "@/run-web-vm"],
    ]);
    assertEquals(configuration.script.language, language);
  });
}

Deno.test("a machine has the name that its start script gives it, else machine", () => {
  using directory = temporaryDirectory({
    "run-deep/run-web-01-vm": "",
    "start": "",
  });
  Deno.chmodSync(`${directory.path}/start`, 0o755);
  const { machines } = configure(
    [
      ...["check", `${new URL(import.meta.url).pathname}`, "--start-scripts"],
      `${directory.path}/run-deep/run-web-01-vm`,
      `${directory.path}/start`,
    ],
    { get: () => undefined },
  );
  assertEquals(machines.map(({ name }) => name), ["web-01", "machine"]);
});

Deno.test("a prompt needs no script", () => {
  const { interactive, script } = configured([
    ...["-I", "--start-scripts", "@/run-web-vm"],
  ]);
  assertEquals([interactive, script], [true, undefined]);
});

Deno.test("a key that the configuration file should not have is a warning", () => {
  using directory = temporaryDirectory({
    "c.json": `{"vms": {"a": {"start_script": "/bin/true", "colour": 1}},
      "vlan": [1], "test_script": "/dev/null"}`,
  });
  const { warnings } = configure(
    ["--config", `${directory.path}/c.json`, "-o", directory.path],
    { get: () => undefined },
  );
  assertEquals(warnings.length, 2);
  assertMatch(
    warnings[0],
    /c\.json: \$\.vlan is unknown and has no effect; did you mean vlans\?$/,
  );
  assertMatch(warnings[1], /c\.json: \$\.vms\.a\.colour is unknown/);
});

Deno.test("eval takes code, eval-file a file, both without machines", () => {
  const environment = { startScripts: "/nowhere/run-a-vm", vlans: "x" };
  const code = configured(["eval", "1 + 1"], environment);
  assertEquals(code.script, { code: "1 + 1", language: "typescript" });
  assertEquals([code.command, code.machines, code.vlans], ["eval", [], []]);
  const file = configured(["eval-file", "@/test.ts"], environment);
  assertEquals(file.script, { path: "@/test.ts", language: "typescript" });
});
