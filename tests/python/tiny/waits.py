# Waits for files, ports, sockets and the console.
from test_driver.errors import RequestedAssertionFailed

machine.succeed("(sleep 1; touch '/tmp/a file') >&2 &")
machine.wait_for_file("/tmp/a*file")
machine.wait_for_file("/tmp/a*file", timeout=60)
with t.assertRaises(RequestedAssertionFailed):
    machine.wait_for_file("/tmp/never", timeout=1)

machine.succeed("(sleep 1; nc -l -p 4000) >&2 </dev/null &")
machine.wait_for_open_port(4000)
machine.wait_for_closed_port(4000, timeout=60)
machine.wait_for_closed_port(port=4001, addr="127.0.0.1")
with t.assertRaises(RequestedAssertionFailed):
    machine.wait_for_open_port(4001, "localhost", 1)

with subtest("text on the console"):
    machine.succeed("echo match that >&2")
    machine.wait_for_console_text("match that")
    machine.succeed("(sleep 1; for i in 1 2 3; do echo line $i; done) >&2 &")
    machine.wait_for_console_text("line 3", timeout=60)
    with t.assertRaises(RequestedAssertionFailed):
        machine.wait_for_console_text("line 3", timeout=1)

with subtest("Python's patterns on the console"):
    import re

    machine.succeed("echo 'Server Ready: id=77;' >&2")
    machine.wait_for_console_text(r"(?i)server ready: id=(?P<id>\d+);$", timeout=60)
    machine.succeed("printf 'begin\nmiddle\nend\n' >&2")
    machine.wait_for_console_text(re.compile("begin.*end", re.DOTALL), timeout=60)
    machine.succeed("echo 'key: value' >&2")
    machine.wait_for_console_text(r"(?<=key: )\w+", timeout=60)
    machine.succeed("echo 'aa bb' >&2")
    machine.wait_for_console_text(r"(a)(?(1)a|x) b", timeout=60)
    with t.assertRaises(RequestedAssertionFailed):
        machine.wait_for_console_text(r"(?<=key: )\w+", timeout=1)
    with t.assertRaisesRegex(
        RequestedAssertionFailed,
        r"within 1 seconds; its last lines:\n(  .*\n)*  aa bb(\n|$)",
    ):
        machine.wait_for_console_text(r"(n)(?(1)ever|x) said", timeout=1)

with subtest("the whole log of the console"):
    console_log = machine.get_console_log()
    assert isinstance(console_log, str) and len(console_log) > 0
    assert "Linux version" in console_log
    assert "match that" in console_log
    assert any("line 2" in line for line in machine.full_console_log)
    machine.send_console("\n")
