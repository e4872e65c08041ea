# Commands in the forms that NixOS tests have them.
import datetime
import json
import re
import shlex

start_all()

with subtest("a command answers what it writes"):
    assert machine.succeed("echo hello") == "hello\n"
    assert "hello" in machine.succeed("echo hello world"), "not hello"
    assert "missing" not in machine.succeed("echo here").strip()
    print(machine.succeed("uname -a"))
    assert int(machine.succeed("echo 42")) == 42
    owner, number = machine.succeed("printf user___7").split("___")
    assert (owner, number) == ("user", "7")
    assert machine.succeed("printf 'a\\nb\\n'").splitlines() == ["a", "b"]
    assert json.loads(machine.succeed("""echo '{"key": [1, 2]}'"""))["key"] == [1, 2]
    assert re.search(r"^Linux\b", machine.succeed("uname"), re.MULTILINE) is not None
    assert machine.succeed("printf 'Grüße 😀'") == "Grüße 😀"

with subtest("several commands, one after the other"):
    output = machine.succeed(
        "echo one",
        "echo two > /tmp/two",
        f"cat {shlex.quote('/tmp/two')}",
    )
    assert output == "one\ntwo\n", f"got {output!r}"
    machine.succeed(
        """
        cd /tmp
        test -e two
        """
    )

with subtest("a command must fail"):
    assert machine.fail("echo no; false") == "no\n"
    machine.fail("exit 7", "exit 8")

with subtest("status and output"):
    status, output = machine.execute("echo out; exit 3")
    assert status == 3 and output == "out\n"
    assert machine.execute("echo second")[1] == "second\n"
    _, output = machine.execute("true")
    assert output == ""
    code, out = machine.execute("sleep 60", timeout=1)
    assert code == 124, code
    assert machine.execute("exit 5", check_return=False) == (-1, "")
    assert machine.execute("true", check_output=False) == (-2, "")
    assert machine.execute("true", True, True, None) == (0, "")

with subtest("a command in the background"):
    machine.execute("sleep 1000 >&2 &")
    machine.succeed("sleep 1000 >&2 &")

with subtest("pipes and unset variables fail"):
    machine.fail("false | cat")
    machine.fail("echo $not_set_at_all")

with subtest("a failing command raises what can be caught"):
    try:
        machine.succeed("exit 42")
    except Exception as e:
        assert "exit code 42" in str(e), f"got {e}"
    else:
        raise Exception("no exception")
    from test_driver.errors import RequestedAssertionFailed

    with t.assertRaises(RequestedAssertionFailed):
        machine.succeed("false")
    with t.assertRaises(RequestedAssertionFailed):
        machine.fail("true")

with subtest("durations"):
    machine.succeed("true", timeout=60)
    machine.succeed("true", timeout=datetime.timedelta(seconds=60))
    machine.wait_until_succeeds("test -e /tmp/two", timeout=60)
    machine.sleep(0)
    with t.assertRaises(RequestedAssertionFailed):
        machine.wait_until_succeeds("false", timeout=1)
    with t.assertRaisesRegex(
        RequestedAssertionFailed, "success of `sleep 60`: .*; its last status was 124"
    ):
        machine.wait_until_succeeds(
            "sleep 60", timeout=datetime.timedelta(seconds=2), attempt_timeout=1
        )

with subtest("repeating a command"):
    machine.succeed("(sleep 1; touch /tmp/appears) >&2 &")
    assert machine.wait_until_succeeds("cat /tmp/appears && echo done") == "done\n"
    machine.succeed("(sleep 1; rm /tmp/appears) >&2 &")
    machine.wait_until_fails("test -e /tmp/appears")


def run(command: str, succeed=True):
    (machine.succeed if succeed else machine.execute)(f"sh -c {shlex.quote(command)}")


run("true")
run("false", succeed=False)
