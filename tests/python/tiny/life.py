# The lives of machines.
import subprocess
import time

boot_id = "cat /proc/sys/kernel/random/boot_id"

with subtest("a crash, and the next start"):
    machine.connect()
    first = machine.succeed(boot_id).strip()
    assert first != ""
    machine.crash()
    assert not machine.is_up() and not machine.booted and machine.pid is None
    machine.crash()
    machine.shutdown()
    machine.wait_for_shutdown()
    machine.start()
    assert machine.booted
    assert machine.succeed(boot_id).strip() != first
    assert "Linux version" in machine.get_console_log()

with subtest("a shutdown takes its time, and not more"):
    t1 = time.monotonic()
    machine.shutdown()
    assert time.monotonic() - t1 < 120
    subprocess.check_call(["test", "-d", str(machine.state_dir)])

with subtest("a reboot, where that is allowed"):
    machine.start(allow_reboot=True)
    before = machine.succeed(boot_id)
    machine.reboot()
    assert machine.succeed(boot_id) != before
    assert machine.connected

with subtest("a new system behind the driver's back"):
    before = machine.succeed(boot_id)
    machine.execute("(sleep 1; echo b > /proc/sysrq-trigger) >&2 &", check_return=False)
    machine.wait_for_console_text("sysrq: Resetting")
    machine.connected = False
    machine.connect()
    assert machine.succeed(boot_id) != before

with subtest("one more machine"):
    other = create_machine(str(machine.start_command), name="other")
    assert other.name == "other" and repr(other) == "<QemuMachine 'other'>"
    assert other not in machines
    machine.shutdown()
    other.state_dir = machine.state_dir
    other.start()
    assert os.readlink(f"/proc/{other.pid}/cwd") == str(machine.state_dir)
    with t.assertRaisesRegex(ValueError, "other can't be changed while it runs"):
        other.state_dir = "elsewhere"
    assert other.state_dir == machine.state_dir
    other.wait_until_succeeds("true")
    other.execute("poweroff >&2 &", check_return=False)
    other.wait_for_shutdown()
    other.release()

join_all()
machine.start()
machine.booted = False
