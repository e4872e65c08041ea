# Durations: the spellings of 2026, and the older ones beside them.
import datetime as dt
import time

second = dt.timedelta(seconds=1)
minute = dt.timedelta(minutes=1)


def took(fn, *args, **options):
    began = time.monotonic()
    fn(*args, **options)
    return time.monotonic() - began


machine.sleep(duration=second)
assert took(machine.sleep, duration=second) > 0.9
assert took(machine.sleep, second) > 0.9
assert took(machine.sleep, secs=1) > 0.9


@polling_condition(interval=second)
def alive():
    machine.succeed("true")


alive.wait(timeout=minute)
alive.wait(timeout_seconds=60)
with alive:
    machine.succeed("true", timeout=minute)

tries = []
retry(lambda left: tries.append(left) or len(tries) > 1, timeout=minute)
assert 0 < tries[1] < tries[0] <= 60, tries

# A try of its own length: a probe that hangs is tried again, and ends with the wait.
machine.succeed("rm -f /tmp/tries; touch /tmp/there")
machine.wait_until_succeeds(
    "echo >> /tmp/tries; [ $(wc -l < /tmp/tries) -gt 1 ] || sleep 600",
    timeout=minute,
    attempt_timeout=second,
)
began = time.monotonic()
with t.assertRaises(Exception):
    machine.wait_until_succeeds("sleep 600", timeout=second, attempt_timeout=minute)
assert time.monotonic() - began < 50
with t.assertRaises(Exception):
    machine.wait_for_file("/nowhere", timeout=2 * second, attempt_timeout=second)
machine.wait_for_file("/tmp/there", timeout=minute, attempt_timeout=minute)
machine.succeed("(sleep 2; touch /tmp/later) >&2 &")
machine.wait_for_file("/tmp/later", timeout=minute, attempt_timeout=second)
machine.wait_for_closed_port(1, timeout=minute, attempt_timeout=minute)
machine.wait_for_console_text("Linux", timeout=minute)
