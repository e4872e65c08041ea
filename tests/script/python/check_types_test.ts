import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  temporaryDirectory,
  vmwright,
  vmwrightCommand,
} from "../../cli/vmwright.ts";
import { checkers } from "./checkers.ts";

/** What `vmwright check` says of a script, where only some checkers are there. */
async function check(
  programs: string[],
  script: string,
  files: Record<string, string> = {},
  options: string[] = [],
  python = "/usr/bin",
  startScripts = ["run-web-vm", "run-db-1-vm"],
): Promise<{ code: number; lines: string[] }> {
  const bin = await checkers();
  using directory = temporaryDirectory({
    "test.py": script,
    "bin/keep": "",
    ...files,
  });
  for (const program of programs) {
    Deno.symlinkSync(`${bin}/${program}`, `${directory.path}/bin/${program}`);
  }
  const { code, stderr } = await vmwright([
    ...["check", "test.py", "--start-scripts", ...startScripts],
    ...["--vlans", "1", ...options],
  ], {
    cwd: directory.path,
    env: { PATH: `${directory.path}/bin:${python}:/usr/bin:/bin` },
  });
  return { code, lines: stderr.trimEnd().split("\n") };
}

/** The lines of a script that a check complains of. */
function placesOf(lines: string[]): string[] {
  return lines.flatMap((line) => /^test\.py:(\d+):\d+: /.exec(line)?.[1] ?? []);
}

const right = `from __future__ import annotations
import datetime as dt
import json
from test_driver.machine import CHAR_TO_KEY
import test_driver.machine.ocr
from helpers import answer

start_all()
print(CHAR_TO_KEY, os.environ, test_driver.machine.ocr, json, answer)
calls = []
retry(lambda r: calls.append(r) or True)
retry(lambda left: left, timeout=dt.timedelta(seconds=5))
value = 1
value = web.succeed("echo 1", timeout=5)
value.strip()
machines: list[QemuMachine] = [web, db_1]
for machine in machines:
    machine.wait_for_unit("x")
machine = create_machine("run-x-vm", name="x")
machine.shell.send(b"x")
machine.qmp_client.send("query-status")
machine.process.poll()
machine.start_command._cmd = "x"
driver.vhost_vsock.sockets["web"].host.exists()
@polling_condition
def alive():
    web.succeed("true")
@polling_condition(interval=dt.timedelta(seconds=1))
def later():
    alive.wait(timeout=5)
with subtest("x"), alive:
    t.assertEqual(vlan1.nr, 1)
def untyped(one, *more):
    one.whatever(more)
untyped(web)
`;

const wrong = `start_all()
def inside():
    web.sucseed("true")
    web.wait_for_open_port("80")
    nothing
create_machine("a", nmae="x")
create_machine(5)
@polling_condition(seconds_interval="x")
def condition(): ...
polling_condition(lambda: True).wait(timeout="5")
retry(5)
retry(lambda last: last, timeout="x")
retry()
dump_machine_ssh("x")
web.sleep("5")
db.succeed("true")
inside()
`;

for (const program of ["ty", "mypy"]) {
  Deno.test(`${program} refuses no script in Python that runs`, async () => {
    if (await checkers() === undefined) return;
    const helpers = { "helpers.py": "answer = 42\n" };
    assertEquals(await check([program, "ruff"], right, helpers), {
      code: 0,
      lines: [""],
    });
  });

  Deno.test(`${program} finds wrong calls, also in functions without types`, async () => {
    if (await checkers() === undefined) return;
    const { code, lines } = await check([program], wrong);
    assertEquals(code, 1);
    const found = [3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16].map(String);
    assertEquals(placesOf(lines), found, lines.join("\n"));
    assertEquals(lines.at(-1), "vmwright: the script has 13 type errors");
    assertEquals(lines[1], '    web.sucseed("true")');
  });
}

Deno.test("a warning of ty's is shown, and fails nothing", async () => {
  if (await checkers() === undefined) return;
  const { code, lines } = await check(["ty"], 'web.copy_from_vm("x")\n');
  assertEquals(code, 0);
  assertStringIncludes(lines[0], "warning: test.py:1:5: ");
  assertStringIncludes(lines[0], "deprecated");
});

Deno.test("ruff finds mistakes that types don't tell", async () => {
  if (await checkers() === undefined) return;
  const { code, lines } = await check(
    ["ty", "ruff"],
    "import json\nos.getpid()",
  );
  assertEquals(code, 1);
  assertEquals(lines[0], "test.py:1:8: `json` imported but unused [F401]");
  const typed = await check(["ty", "ruff"], "import json", {}, ["--no-lint"]);
  assertEquals(typed.code, 0);
});

Deno.test("a check of Python that is killed leaves no files", async () => {
  using directory = temporaryDirectory({
    "test.py": "x = 1\n",
    "temporary/keep": "",
  });
  const { path } = directory;
  Deno.mkdirSync(`${path}/bin`);
  const checker = '#!/bin/sh\n: >"$0.started"\nexec sleep 1000\n';
  Deno.writeTextFileSync(`${path}/bin/ty`, checker, { mode: 0o755 });
  const process = vmwrightCommand(["check", "test.py"], {
    cwd: path,
    env: {
      PATH: `${path}/bin:/usr/bin:/bin`,
      TMPDIR: `${path}/temporary`,
      XDG_RUNTIME_DIR: "",
    },
  }).spawn();
  const output = process.output();
  const until = async (done: () => boolean) => {
    while (!done()) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const names = (inner: string) =>
    [...Deno.readDirSync(`${path}/${inner}`)].map(({ name }) => name);
  await until(() => names("bin").includes("ty.started"));
  assertEquals(names("temporary").length, 2);
  process.kill("SIGKILL");
  await output;
  await until(() => names("temporary").length === 1);
});

Deno.test("without ty and mypy there is no check of Python", async () => {
  const { code, lines } = await check([], "start_all()");
  // Unless the host itself has one of them.
  if (code === 0) return;
  assertEquals([code, lines], [2, [
    "vmwright: test.py is written in Python, and there is neither ty nor mypy " +
    "on PATH to check it",
  ]]);
});

Deno.test("a container that its start script names has the type of one", async () => {
  if (await checkers() === undefined) return;
  const found = await check(
    ["ty"],
    'jail.succeed("true")\njail.send_key("a")\nweb.send_key("a")\n',
    {},
    [],
    "/usr/bin",
    ["run-web-vm", "run-jail-nspawn"],
  );
  assertEquals([found.code, placesOf(found.lines)], [1, ["2"]]);
});

Deno.test("--no-check leaves the lint alone, --no-lint the types", async () => {
  if (await checkers() === undefined) return;
  const script = 'import json\nweb.sleep("5")\n';
  for (
    const [flag, place] of [["--no-check", "1"], ["--no-lint", "2"]] as const
  ) {
    const { code, lines } = await check(["ty", "ruff"], script, {}, [flag]);
    assertEquals([code, placesOf(lines)], [1, [place]]);
  }
});

for (const program of ["ty", "mypy"]) {
  Deno.test(`${program} knows the packages of the Python on PATH`, async () => {
    if (await checkers() === undefined) return;
    using environment = temporaryDirectory();
    const { success } = await new Deno.Command("python3", {
      args: ["-m", "venv", "--without-pip", environment.path],
    }).output();
    assert(success);
    const [library] = Deno.readDirSync(`${environment.path}/lib`);
    const site = `${environment.path}/lib/${library.name}/site-packages/probe`;
    Deno.mkdirSync(site, { recursive: true });
    Deno.writeTextFileSync(`${site}/py.typed`, "");
    Deno.writeTextFileSync(
      `${site}/__init__.py`,
      "def answer(question: str) -> int: return 42\n",
    );
    const { code, lines } = await check(
      [program],
      'import probe\nprobe.answer("life")\nprobe.answer(1)\n',
      {},
      [],
      `${environment.path}/bin`,
    );
    assertEquals([code, placesOf(lines)], [1, ["3"]]);
  });
}

Deno.test("ty checks by a Python that is a link to another", async () => {
  if (await checkers() === undefined) return;
  using directory = temporaryDirectory();
  Deno.symlinkSync("/usr/bin/python3", `${directory.path}/python3`);
  assertEquals(
    await check(["ty"], "start_all()\n", {}, [], directory.path),
    { code: 0, lines: [""] },
  );
});
