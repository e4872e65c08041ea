import {
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  Driver,
  TerminalListener,
  TestFailure,
  UsageError,
} from "../../../mod.ts";
import { Script, ScriptExit } from "../../../src/script/mod.ts";
import { harmless } from "../../../src/scan/mod.ts";
import {
  PythonError,
  PythonSession,
  runPython,
} from "../../../src/script/python/mod.ts";
import { tracebackOf } from "../../../src/script/traceback.ts";
import { gone, processesWith } from "../../backend/processes.ts";
import { temporaryDirectory, vmwright } from "../../cli/vmwright.ts";
import { Recorder } from "./recorder.ts";

/** Runs a script with machines that nobody starts. */
async function run(
  code: string,
  names: string[] = ["machine"],
): Promise<Recorder> {
  const recorder = new Recorder();
  await runIn(recorder, code, names);
  return recorder;
}

async function runIn(
  recorder: Recorder,
  code: string,
  names: string[] = ["machine"],
): Promise<void> {
  const outDir = await Deno.makeTempDir();
  try {
    await using driver = await Driver.create({
      machines: names.map((name) => `/nowhere/run-${name}-vm`),
      outDir,
      log: recorder.log,
    });
    const script = new Script({ code, language: "python" });
    await runPython(script, driver);
  } finally {
    await Deno.remove(outDir, { recursive: true });
  }
}

/** An error's traceback, without the marks that newer versions of Python add. */
function plainTraceback(error: Error): string {
  return tracebackOf(error)!.split("\n")
    .filter((line) => !/^ +[\^~]+$/.test(line)).join("\n");
}

async function failureOf(code: string): Promise<Error> {
  return await assertRejects(() => run(code), Error);
}

Deno.test("a Python script sees every name that NixOS tests see", async () => {
  await run(
    `
names = """start_all join_all test_script run_tests machines vlans driver log os
create_machine subtest retry serial_stdout_off serial_stdout_on polling_condition
Machine BaseMachine t debug machines_qemu machines_nspawn a_b _""".split()
missing = [name for name in names if name not in globals()]
assert not missing, missing
assert [m.name for m in machines] == ["1", "a-b"], machines
assert a_b.name == "a-b" and isinstance(a_b, Machine) and isinstance(a_b, BaseMachine)
assert "machine" not in globals()
assert repr(a_b) == "<QemuMachine 'a-b'>"
t.assertEqual(a_b.is_up(), False)
assert a_b.booted is False and a_b.connected is False and a_b.pid is None
assert machines_nspawn == [] and vlans == []
`,
    ["a-b", "1"],
  );
});

Deno.test("a machine may have the name of another binding of scripts", async () => {
  const recorder = await run(
    `
assert driver.name == "driver" and t.name == "t" and web.name == "web", (driver, t)
`,
    ["driver", "t", "web"],
  );
  assertEquals(recorder.outline().filter((line) => !/cleanup/.test(line)), [
    "in the script, driver is the machine, and hides the driver's driver",
    "in the script, t is the machine, and hides the driver's t",
  ]);
});

Deno.test("facts about a machine are paths where upstream has paths", async () => {
  await run(`
import pathlib
for path in (machine.state_dir, machine.shared_dir, machine.out_dir, machine.tmp_dir):
    assert isinstance(path, pathlib.Path), path
assert machine.state_dir.name == "vm-state-machine" and machine.state_dir.is_dir()
assert machine.state_dir.parent == machine.tmp_dir
assert machine.shared_dir.name == "shared-xchg"
assert driver.out_dir == machine.out_dir and machine.out_dir.is_dir()
assert machine.start_command.machine_name == "machine"
assert machine.qmp_client is None
assert driver.vhost_vsock is None and machine.vsock_host is None
`);
});

Deno.test("a machine takes the state directory of another one", async () => {
  await run(
    `
target.state_dir = installer.state_dir
assert target.state_dir == installer.state_dir
assert target.state_dir.name == "vm-state-installer"
target.state_dir = "elsewhere"
assert str(target.state_dir) == os.path.abspath("elsewhere")
`,
    ["installer", "target"],
  );
});

Deno.test("steps and subtests of a Python script nest like those of TypeScript", async () => {
  const recorder = await run(`
log.info("first")
with subtest("outer"):
    log.warning("inside")
    with log.nested("step", {"colour": "red"}):
        machine.log("deep")
    with machine.nested("of the machine"):
        pass
log.log("last")
`);
  assertEquals(recorder.outline().filter((line) => !/cleanup/.test(line)), [
    "first",
    "subtest outer",
    "  inside",
    "  step",
    "    machine: deep",
    "  machine: of the machine",
    "last",
  ]);
  const step = recorder.events.find((e) => e.type === "stepBegan");
  assertEquals(step?.type === "stepBegan" && step.attributes.colour, "red");
});

Deno.test("a failure is the same error for each step that it ends", async () => {
  const recorder = new Recorder();
  const error = await assertRejects(
    () =>
      runIn(
        recorder,
        `
with subtest("outer"):
    with log.nested("inner"):
        t.assertIn("x", "abc")
`,
      ),
    PythonError,
  );
  assertEquals(recorder.failures(), [
    "inner: RequestedAssertionFailed: 'x' not found in 'abc'",
    "outer: RequestedAssertionFailed: 'x' not found in 'abc'",
  ]);
  assertEquals(error.name, "RequestedAssertionFailed");
  const reports = recorder.events.flatMap((event) =>
    "error" in event && event.error !== undefined ? [event.error] : []
  );
  assertEquals(new Set(reports).size, 1);
});

Deno.test("an exception that is caught fails only the steps it went through", async () => {
  const recorder = await run(`
try:
    with subtest("fails"):
        raise KeyError("k")
except KeyError:
    pass
with subtest("holds"):
    pass
`);
  assertEquals(recorder.failures(), ["fails: KeyError: 'k'"]);
});

Deno.test("the traceback shows the script's own frames with their lines", async () => {
  const error = await failureOf(`
def check(value):
    with subtest("part"):
        t.assertEqual(value, 2)

check(1)
`);
  assertEquals(
    plainTraceback(error),
    [
      "Traceback (most recent call last):",
      '  File "<string>", line 6, in <module>',
      "    check(1)",
      '  File "<string>", line 4, in check',
      "    t.assertEqual(value, 2)",
      "RequestedAssertionFailed: 1 != 2",
    ].join("\n"),
  );
});

Deno.test("durations have the spellings of 2026, each once at most", async () => {
  await run(`
import datetime as dt
second = dt.timedelta(seconds=1)

def refused(fn, *args, **options):
    with t.assertRaises(TypeError) as caught:
        fn(*args, **options)
    return str(caught.exception)

condition = polling_condition(lambda: True, interval=second)
t.assertEqual([
    refused(machine.sleep),
    refused(machine.sleep, 1, duration=second),
    refused(retry, lambda last: True, 5, timeout=second),
    refused(retry, lambda last: True, timeout_seconds=5, timeout=None),
    refused(polling_condition, lambda: True, seconds_interval=1, interval=second),
    refused(condition.wait, 5, timeout=second),
], [
    "sleep() takes a duration, got none",
    "sleep() takes secs or duration, and not both",
    "retry() takes timeout_seconds or timeout, and not both",
    "retry() takes timeout_seconds or timeout, and not both",
    "polling_condition() takes seconds_interval or interval, and not both",
    "wait() takes timeout_seconds or timeout, and not both",
])
minute = 60 * second
condition.wait(minute)
condition.wait(timeout=minute)
condition.wait(timeout_seconds=minute)
@polling_condition(interval=second)
def other():
    return True
other.wait()
assert other.seconds_interval == condition.seconds_interval == 1
retry(lambda last: last is False, minute.seconds)
retry(lambda left: 0 < left <= 60, timeout=minute)
retry(lambda left: left is None, timeout=None)
`);
});

Deno.test("None is no limit in every wait", async () => {
  await run(`
import datetime as dt
asked = []
machine._ask = lambda do, **words: asked.append(words) or "active"
machine.get_unit_property = lambda *args: "active"
waits = [
    (machine.wait_for_unit, "x.service"),
    (machine.wait_for_unit_active_state, "x.service", "active"),
    (machine.wait_for_file, "/x"),
    (machine.wait_for_open_port, 80),
    (machine.wait_for_closed_port, 80),
    (machine.wait_for_open_unix_socket, "/x"),
    (machine.wait_until_succeeds, "true"),
    (machine.wait_until_fails, "false"),
    (machine.wait_for_x,),
    (machine.wait_for_window, "x"),
    (machine.wait_for_text, "x"),
    (machine.wait_until_tty_matches, "1", "x"),
]
for wait, *args in waits:
    wait(*args, timeout=None)
t.assertEqual(len(asked), len(waits) - 1)
for words in asked:
    t.assertIsNone(words["args"][-1]["timeout"], words)
asked.clear()
for wait, *args in waits:
    wait(*args)
    wait(*args, timeout=dt.timedelta(seconds=2))
t.assertEqual([words["args"][-1]["timeout"] for words in asked], [900, 2] * (len(waits) - 1))
t.assertNotIn("user", asked[0]["args"][-1])
`);
});

Deno.test("a bare number as a duration has a warning, once for what takes it", async () => {
  await run(`
import datetime as dt, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    polling_condition(lambda: True).wait()
    polling_condition(lambda: True, interval=dt.timedelta(seconds=1)).wait()
    assert caught == [], caught
    for _ in range(2):
        polling_condition(lambda: True, seconds_interval=1).wait(5)
        retry(lambda last: True, 3)
found = [(str(one.message), one.filename, one.lineno) for one in caught]
t.assertEqual(found, [
    (f"{name}(): a bare number as a duration is deprecated; "
     "use datetime.timedelta instead", "<string>", line)
    for name, line in [("polling_condition", 9), ("wait", 9), ("retry", 10)]
])
`);
});

Deno.test("a use of machine for a single machine of another name causes one warning", async (t) => {
  const said = async (code: string, name = "web-server") => {
    using directory = temporaryDirectory({
      [`run-${name}-vm`]: "#!/bin/sh\n",
      "test.py": code,
    });
    Deno.chmodSync(`${directory.path}/run-${name}-vm`, 0o755);
    const { code: status, stderr } = await vmwright(
      ["test.py", "--start-scripts", `./run-${name}-vm`, "--no-html"],
      { cwd: directory.path },
    );
    assertEquals(status, 0, stderr);
    return stderr.split("\n").filter((line) => /Warning/.test(line));
  };
  await t.step("at the line that uses it first", async () => {
    assertEquals(
      await said("print(web_server)\nprint(machine)\nprint(machine)\n"),
      [
        "test.py:2: UserWarning: machine is deprecated for the only machine, " +
        "web_server; use web_server instead",
      ],
    );
  });
  await t.step("not where it is its name, or the script's own", async () => {
    assertEquals(await said("print(machine)", "machine"), []);
    assertEquals(await said("machine = web_server\nprint(machine)"), []);
    assertEquals(await said("[print(machine) for machine in machines]"), []);
    assertEquals(
      await said("def name(machine):\n    return machine\nname(web_server)"),
      [],
    );
    assertEquals(
      await said("def name(one):\n    return one.machine\nprint('machine')"),
      [],
    );
  });
});

Deno.test("a traceback of any other exception shows other modules too", async () => {
  const error = await failureOf(`
import json
json.loads("{")
`);
  const traceback = tracebackOf(error)!;
  assertStringIncludes(traceback, '    json.loads("{")\n');
  assertStringIncludes(traceback, "decoder.py");
  assertMatch(traceback, /JSONDecodeError: Expecting property name.*$/);
});

Deno.test("a mistake in a script's syntax is shown where it is", async () => {
  const error = await failureOf("x = 1\ny = = 2\n");
  const traceback = tracebackOf(error)!;
  assertMatch(traceback, /File "<string>", line 2\n\s+y = = 2\n/);
  assertMatch(traceback, /SyntaxError: invalid syntax/);
});

Deno.test("a script that exits ends the run", async (t) => {
  for (const code of ["exit()", "import sys; sys.exit(0)", "quit()"]) {
    await t.step(`${code} passes`, async () => {
      await run(`with subtest("x"):\n    ${code}\n    raise ValueError`);
    });
  }
  await t.step("another status is that of the run", async () => {
    const error = await failureOf("import sys; sys.exit(3)");
    assertInstanceOf(error, ScriptExit);
    assertEquals(error.code, 3);
  });
  await t.step("a text is shown, and status 1", async () => {
    const error = await failureOf("raise SystemExit('enough')");
    assertInstanceOf(error, ScriptExit);
    assertEquals(error.code, 1);
  });
});

Deno.test("log.set_log_level() says from which level up messages are shown", async () => {
  const shown: string[] = [];
  const recorder = new Recorder();
  recorder.log.addListener(
    new TerminalListener({
      write: (text) => shown.push(text),
      colour: false,
    }),
  );
  await runIn(
    recorder,
    `
from test_driver.logger import LogLevel
log.debug("1")
log.set_log_level(LogLevel.DEBUG)
log.debug("2")
log.set_log_level(LogLevel.ERROR)
log.warning("3")
log.log_test_error("4")
with t.assertRaises(ValueError):
    log.set_log_level(9)
`,
  );
  await recorder.log.close();
  assertEquals(shown.join("").match(/^\d$/gm), ["2", "4"]);
});

Deno.test("log.error() fails the subtest that it is in, and ends the test", async () => {
  const recorder = new Recorder();
  const error = await assertRejects(
    () =>
      runIn(
        recorder,
        `
log.log_test_error("goes on")
with subtest("part"):
    log.error("no more", {"machine": "machine"})
log.info("never")
`,
      ),
    ScriptExit,
  );
  assertEquals(error.code, 1);
  assertEquals(recorder.outline().filter((line) => !/cleanup/.test(line)), [
    "goes on",
    "subtest part",
    "  machine: no more",
  ]);
  assertEquals(recorder.failures(), ["part: SystemExit: 1"]);
});

Deno.test("the end of python3 is noticed, however it comes", async (t) => {
  const ends: [string, string, RegExp][] = [
    ["kill -9", "os.kill(os.getpid(), 9)", /ended with SIGKILL/],
    ["os._exit", "os._exit(0)", /ended with status 0 before/],
  ];
  for (const [name, code, message] of ends) {
    await t.step(name, async () => {
      const error = await failureOf(code);
      assertMatch(error.message, message);
    });
  }
  await t.step("while it waits for an answer", async () => {
    const error = await failureOf(`
import threading, time
def kill():
    os.kill(os.getpid(), 15)
@polling_condition(seconds_interval=0.01)
def never():
    threading.Thread(target=kill).start()
    return False
never.wait()
`);
    assertMatch(error.message, /ended with SIGTERM/);
  });
});

Deno.test("a script may close its stdin", async () => {
  await run(`
import sys
sys.stdin.close()
os.close(0)
log.info("still here")
`);
});

const HOSTILE =
  "\x1b]0;title\x07\x1b[31mred\x1b[0m\x9b2J\u202eback\x08\x7f\r\nend\r";

Deno.test("Python makes text as harmless as the driver does", async () => {
  const texts = [HOSTILE, "plain\ttext\n", "\x1b", "\x9dtitle", "a\rb\r\r\nc"];
  for (let code = 0; code < 0xe1000; code++) {
    if (code === 0xd800) code = 0xe000;
    const text = String.fromCodePoint(code);
    if (harmless(text) !== text) texts.push(text);
  }
  await run(`
import json
from test_driver._harmless import harmless
for text, expected in json.loads(r"""${
    JSON.stringify(texts.map((text) => [text, harmless(text)]))
  }"""):
    t.assertEqual(harmless(text), expected)
`);
});

Deno.test("lines of a console that a script quotes are harmless", async () => {
  const recorder = await run(
    `machine.log_serial("\\x1b]0;title\\x07login:\\r\\n\\x1b[1m#")`,
  );
  assertEquals(
    recorder.events.flatMap((event) =>
      event.type === "consoleLine" ? [event.text] : []
    ),
    ["login:", "#"],
  );
});

Deno.test("a traceback at a prompt is harmless, whatever it quotes", async () => {
  await using session = new PythonSession(
    new Script({ code: "", language: "python" }),
  );
  const outDir = await Deno.makeTempDir();
  const { log } = new Recorder();
  await using driver = await Driver.create({ outDir, log });
  await session.bind(driver);
  const line = `raise ValueError(${JSON.stringify(HOSTILE)})`;
  const [, printed] = await session.prompt.pushCaptured(line);
  assertStringIncludes(printed, "ValueError: red");
  assertEquals(printed, harmless(printed));
  await Deno.remove(outDir, { recursive: true });
});

Deno.test("a script that has ended leaves no listener of the log", async () => {
  const recorder = new Recorder();
  const { log } = recorder;
  const add = log.addListener.bind(log);
  const listening = new Set<unknown>();
  log.addListener = (listener) => {
    const added = add(listener);
    listening.add(listener);
    return {
      [Symbol.dispose]() {
        listening.delete(listener);
        added[Symbol.dispose]();
      },
    };
  };
  await runIn(recorder, "log.info('x')");
  assertEquals(listening.size, 0);
});

Deno.test("nothing that a script has started is left", async () => {
  const mark = `vmwright-test-${crypto.randomUUID()}`;
  await run(`
import subprocess
subprocess.Popen(["sh", "-c", "while :; do sleep 1; done", "${mark}"],
                 start_new_session=True)
`);
  await gone(() => processesWith(mark).length > 0);
});

Deno.test("a script that fails cleans up after itself", async () => {
  const directory = await Deno.makeTempDir();
  await failureOf(`
import atexit, tempfile
file = tempfile.NamedTemporaryFile(dir="${directory}")
directory = tempfile.TemporaryDirectory(dir="${directory}")
atexit.register(lambda: open("${directory}/at-exit", "w").close())
assert False
`);
  assertEquals(
    [...Deno.readDirSync(directory)].map(({ name }) => name),
    ["at-exit"],
  );
  await Deno.remove(directory, { recursive: true });
});

Deno.test("the socket is for its owner alone", async () => {
  // Others on the host have such sockets, too.
  const place = await Deno.makeTempDir();
  const before = Deno.env.get("XDG_RUNTIME_DIR");
  Deno.env.set("XDG_RUNTIME_DIR", place);
  try {
    await run(`
import stat
paths = [line.split()[-1] for line in open("/proc/net/unix")]
mine = {path for path in paths if path.startswith("${place}/vmwright-python-")}
assert len(mine) == 1, mine
for path in mine:
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700, path
    if os.path.exists(path):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path
`);
  } finally {
    if (before === undefined) Deno.env.delete("XDG_RUNTIME_DIR");
    else Deno.env.set("XDG_RUNTIME_DIR", before);
    await Deno.remove(place, { recursive: true });
  }
});

Deno.test("errors of the driver have the names that scripts catch", async () => {
  await run(`
from test_driver.errors import MachineError, RequestedAssertionFailed
from test_driver.machine import QemuMachine
from test_driver.machine.qmp import QMPAPIError
from test_driver.polling_condition import PollingConditionError
import test_driver.qmp, test_driver.driver, test_driver.logger, test_driver.vlan

assert issubclass(RequestedAssertionFailed, AssertionError)
assert not issubclass(MachineError, AssertionError)
assert test_driver.qmp.QMPAPIError is QMPAPIError and Machine is QemuMachine

def raises(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError(f"{function} did not raise {kind}")

raises(MachineError, machine.succeed, "true")
raises(MachineError, machine.send_monitor_command, "info status")
raises(ValueError, machine.wait_for_open_port, 70000)
raises(ValueError, create_machine, "/x/run-machine-vm")
raises(TypeError, create_machine, {"hda": "disk"})
raises(TypeError, machine.execute, "true", timeout=True)
raises(TypeError, machine.execute, "true", timeout="5")
raises(TypeError, machine.succeed, "true", timeuot=5)
raises(AttributeError, getattr, machine, "suceed")
raises(RuntimeError, machine.wait_for_qmp_event, lambda event: True)
import re
raises(re.error, machine.wait_for_console_text, "(")
raises(TypeError, machine.wait_for_console_text, b"x")
`);
});

Deno.test("t has unittest's assertions, which fail as assertions of the test", async () => {
  await run(`
from test_driver.errors import RequestedAssertionFailed
import unittest
assert isinstance(t, unittest.TestCase)
t.assertTrue(True)
with t.assertRaises(RequestedAssertionFailed):
    t.assertEqual([1], [2])
with t.assertRaisesRegex(RequestedAssertionFailed, "not"):
    t.assertIn(1, [])
with t.subTest("x"):
    t.assertLess(1, 2)
`);
});

Deno.test("retry calls until the answer is true, and tells the last call", async () => {
  await run(`
import datetime
from test_driver.errors import RequestedAssertionFailed
calls = []
def third(last):
    calls.append(last)
    return len(calls) == 3
retry(third)
assert calls == [False, False, False], calls

calls.clear()
with t.assertRaisesRegex(RequestedAssertionFailed, "timed out"):
    retry(lambda last: calls.append(last), timeout_seconds=0.2)
assert calls[-1] is True and not any(calls[:-1]), calls
retry(lambda last: True, 5)
retry(fn=lambda last: True, timeout=5)

left = []
retry(lambda remaining: left.append(remaining) or True, timeout=None)
assert left == [None]
with t.assertRaises(RequestedAssertionFailed):
    retry(lambda remaining: left.append(remaining), timeout=datetime.timedelta(0))
assert left == [None]
retry(lambda remaining: remaining > 0, timeout=datetime.timedelta(minutes=9))
`);
});

Deno.test("a polling condition can be waited for, with and without arguments", async () => {
  const recorder = await run(`
calls = []

@polling_condition
def plain():
    "is plain"
    calls.append("plain")
    return len(calls) > 1

@polling_condition(seconds_interval=0.01, description="has arguments")
def other():
    calls.append("other")
    if len(calls) < 5:
        raise ValueError

other.wait()
other.wait(timeout=60)
plain.wait(60)
with plain:
    with other:
        pass
`);
  assertEquals(
    recorder.outline().filter((line) => line.startsWith("waiting")),
    [
      "waiting for has arguments",
      "waiting for has arguments",
      "waiting for is plain",
    ],
  );
});

Deno.test("a condition that was entered several times is kept until it is left as often", async () => {
  // A pattern that only Python can search for is waited for in another way.
  const error = await failureOf(`
holds = True

@polling_condition(seconds_interval=0.01)
def condition():
    "holds still"
    return holds

from test_driver.errors import RequestedAssertionFailed
from test_driver.polling_condition import PollingConditionError
def wait(timeout):
    machine.wait_for_console_text(r"\\Anever", timeout=timeout)

with condition:
    with condition:
        pass
    with condition:
        pass
    holds = False
    with t.assertRaises(PollingConditionError):
        wait(600)
with t.assertRaises(RequestedAssertionFailed):
    wait(1)
with condition:
    wait(600)
`);
  assertMatch(error.message, /Polling condition failed: holds still/);
});

Deno.test("conditions that a script has entered are left with the script, however often", async () => {
  const outDir = await Deno.makeTempDir();
  await using driver = await Driver.create({
    machines: ["/nowhere/run-machine-vm"],
    outDir,
    log: new Recorder().log,
  });
  const code = `
@polling_condition
def condition():
    return True
condition.__enter__()
condition.__enter__()
`;
  await runPython(new Script({ code, language: "python" }), driver);
  // Kept still, it would be asked of a Python that has ended.
  const other = new Script({
    code: `
from test_driver.errors import MachineError
with t.assertRaises(MachineError):
    machine.succeed("true")
`,
    language: "python",
  });
  await runPython(other, driver);
  await Deno.remove(outDir, { recursive: true });
});

Deno.test("a condition that never holds fails the wait", async () => {
  const error = await failureOf(`
@polling_condition(seconds_interval=0.01)
def never():
    return False
never.wait(timeout=0.1)
`);
  assertInstanceOf(error, TestFailure);
  assertMatch(
    tracebackOf(error)!,
    /RequestedAssertionFailed: action timed out/,
  );
});

Deno.test("threads talk to the driver at the same time, each in its own step", async () => {
  const recorder = await run(`
import threading
from concurrent.futures import ThreadPoolExecutor
def work(number):
    with log.nested(f"step {number}"):
        for turn in range(20):
            log.info(f"{number}")
with subtest("all"):
    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    with ThreadPoolExecutor() as pool:
        list(pool.map(work, [4, 5]))
`);
  const texts = new Map<number, string>();
  let all: number | undefined;
  for (const event of recorder.events) {
    if (event.type === "subtestBegan") all = event.id;
    if (event.type === "stepBegan" && event.text.startsWith("step ")) {
      assertEquals(event.step, all);
      texts.set(event.id, event.text);
    }
    if (event.type === "message" && /^\d$/.test(event.text)) {
      assertEquals(texts.get(event.step!), `step ${event.text}`);
    }
  }
  assertEquals(texts.size, 6);
});

Deno.test("a task of a pool of threads belongs to the step that submitted it", async () => {
  const recorder = await run(`
import threading
from concurrent.futures import ThreadPoolExecutor
go_on = threading.Event()
def late():
    go_on.wait()
    log.info("after x")
with ThreadPoolExecutor(max_workers=1) as pool:
    with subtest("x"):
        pool.submit(log.info, "in x").result()
        thread = threading.Thread(target=late)
        thread.start()
    with subtest("y"):
        pool.submit(log.info, "in y").result()
        list(pool.map(log.info, ["also in y"]))
    pool.submit(log.info, "in none").result()
    go_on.set()
    thread.join()
`);
  assertEquals(recorder.outline().filter((line) => !/cleanup/.test(line)), [
    "subtest x",
    "  in x",
    "subtest y",
    "  in y",
    "  also in y",
    "in none",
    "after x",
  ]);
});

Deno.test("start scripts see the variables that a script sets", async () => {
  const name = "VMWRIGHT_TEST_IMAGE";
  const machine = `sh -c 'echo "$${name}" >&2; exit 3' run-env-vm`;
  const outDir = await Deno.makeTempDir();
  const recorder = new Recorder();
  await using driver = await Driver.create({
    machines: [{ name: "env", startCommand: machine }],
    outDir,
    log: recorder.log,
  });
  const code = `
from test_driver.errors import MachineError
os.environ["${name}"] = "some image"
with t.assertRaises(MachineError) as caught:
    env.start()
assert "some image" in str(caught.exception), caught.exception
`;
  const script = new Script({ code, language: "python" });
  await runPython(script, driver);
  assertEquals(Deno.env.get(name), undefined);
  await Deno.remove(outDir, { recursive: true });
});

Deno.test("a script in a file sees its neighbours, and its name in tracebacks", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/test.py`;
  await Deno.writeTextFile(`${directory}/neighbour.py`, "value = 7\n");
  await Deno.writeTextFile(
    path,
    "import sys\nfrom neighbour import value\nassert sys.argv == [sys.argv[0]]\nassert value == 8\n",
  );
  const recorder = new Recorder();
  await using driver = await Driver.create({
    outDir: directory,
    log: recorder.log,
  });
  const error = await assertRejects(() =>
    runPython(new Script({ path, language: "python" }), driver)
  );
  assertEquals(
    plainTraceback(error),
    [
      "Traceback (most recent call last):",
      `  File "${path}", line 4, in <module>`,
      "    assert value == 8",
      "AssertionError",
    ].join("\n"),
  );
  await Deno.remove(directory, { recursive: true });
});

Deno.test("an abort of the run ends the script, whatever it does", async () => {
  const outDir = await Deno.makeTempDir();
  const recorder = new Recorder();
  await using driver = await Driver.create({ outDir, log: recorder.log });
  const reason = new Error("enough");
  recorder.log.addListener({
    on: (event) => {
      if (event.type === "message" && event.text === "ready") {
        driver.abort(reason);
      }
    },
  });
  const code = "import time\nlog.info('ready')\nwhile True: time.sleep(60)\n";
  const script = new Script({ code, language: "python" });
  const error = await assertRejects(() => runPython(script, driver));
  assertEquals(error, reason);
  await Deno.remove(outDir, { recursive: true });
});

Deno.test("a missing python3 is reported in one sentence", async () => {
  const directory = await Deno.makeTempDir();
  const path = Deno.env.get("PATH")!;
  await Deno.symlink("/bin/sh", `${directory}/sh`);
  try {
    Deno.env.set("PATH", directory);
    const error = await failureOf("pass");
    assertInstanceOf(error, UsageError);
    assertMatch(error.message, /there is no python3 on PATH$/);
  } finally {
    Deno.env.set("PATH", path);
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("machines of each backend have their class in Python", async () => {
  const recorder = new Recorder();
  const outDir = await Deno.makeTempDir();
  try {
    await using driver = await Driver.create({
      machines: [
        "/nowhere/run-a-vm",
        "/nowhere/run-b-nspawn",
        "/nowhere/run-c-firecracker.json",
        "/nowhere/run-e-cloud-hypervisor.json",
      ],
      outDir,
      log: recorder.log,
    });
    const code = `
assert machines == [a, b, c, e]
assert (machines_qemu, machines_nspawn) == ([a], [b])
assert type(c) is MicroVmMachine and not isinstance(c, QemuMachine)
assert isinstance(e, MicroVmMachine) and type(e) is CloudHypervisorMachine
assert [hasattr(one, "pause") for one in machines] == [True, False, True, True]
assert [hasattr(one, "nmi") for one in machines] == [True, False, False, True]
assert all(hasattr(one, "screenshot") for one in machines)
assert [hasattr(one, "send_key") for one in machines] == [True, False, False, False]
try:
    c.send_key("ret")
except AttributeError as error:
    assert str(error) == (
        "send_key of <MicroVmMachine 'c'> needs a machine that QEMU runs, "
        "and not a microVM"
    ), error
try:
    c.reboot()
except Exception as error:
    assert str(error).startswith("reboot() needs a hypervisor that goes on after a reset")
assert type(create_machine("/nowhere/run-d-firecracker.json")) is MicroVmMachine
`;
    await runPython(new Script({ code, language: "python" }), driver);
  } finally {
    await Deno.remove(outDir, { recursive: true });
  }
});
