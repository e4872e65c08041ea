# The log, subtests, conditions and helper functions.
import time
from contextlib import contextmanager


def is_up(_) -> bool:
    status, _ = machine.execute("test -e /tmp/steps-up")
    return status == 0


with machine.nested("waiting for a file, by hand"):
    machine.succeed("(sleep 1; touch /tmp/steps-up) >&2 &")
    retry(is_up)

retry(lambda last: True, timeout_seconds=5)

machine.log("a line")
log.info("a line")
log.warning("a line")
log.debug("a line")
log.log("a line")
with log.nested("a step"):
    pass
with driver.subtest("by the driver"):
    pass


@contextmanager
def recording(m: Machine):
    m.succeed("touch /tmp/recording")
    yield
    m.succeed("rm /tmp/recording")


with recording(machine):
    machine.succeed("test -e /tmp/recording")
machine.fail("test -e /tmp/recording")


@polling_condition
def holds():
    "a file is there"
    machine.succeed("test -e /tmp/steps-up")


holds.wait()
with holds:
    with subtest("nothing breaks while a condition holds"):
        machine.succeed("true")
        machine.wait_for_file("/tmp/steps-up")


@polling_condition(seconds_interval=0.1)
def breaks():
    machine.succeed("test ! -e /tmp/broken")


from test_driver.polling_condition import PollingConditionError

with t.assertRaises(PollingConditionError):
    with breaks:
        machine.succeed("(sleep 1; touch /tmp/broken) >&2 &")
        machine.succeed("sleep 60")
machine.succeed("rm /tmp/broken")

# Also while the console is waited for, with a pattern that only Python knows.
with t.assertRaises(PollingConditionError):
    with breaks:
        machine.succeed("(sleep 1; touch /tmp/broken) >&2 &")
        machine.wait_for_console_text("(?<!n)ever said at all", timeout=60)
machine.succeed("rm /tmp/broken")

began = time.monotonic()
serial_stdout_off()
serial_stdout_on()
assert time.monotonic() - began < 30

assert os.environ["PATH"]
assert driver.machines == machines and driver.vlans == vlans
assert machines[0] is machine and machines_qemu == machines
assert vlan1.nr == 1 and vlans[0] is vlan1
assert t.failureException.__name__ == "RequestedAssertionFailed"
debug.breakpoint()
