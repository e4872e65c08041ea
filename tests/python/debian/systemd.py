# Units of systemd.
from test_driver.errors import RequestedAssertionFailed

machine.wait_for_unit("multi-user.target")
machine.wait_for_unit("nginx")
machine.wait_for_unit("nginx.service", timeout=60)
machine.wait_for_open_port(80)

status, output = machine.systemctl("status nginx.service")
assert status in [0, 3] and "nginx" in output
machine.systemctl("daemon-reload")

info = machine.get_unit_info("nginx")
assert info["ActiveState"] == "active" and info["Id"] == "nginx.service"
assert machine.get_unit_property("nginx", "ActiveState") == "active"
machine.require_unit_state("nginx")

machine.stop_job("nginx")
machine.require_unit_state("nginx.service", "inactive")
machine.wait_for_closed_port(80)
machine.wait_for_unit_active_state("nginx", "inactive", timeout=60)
with t.assertRaises(RequestedAssertionFailed):
    machine.require_unit_state("nginx")
with t.assertRaisesRegex(RequestedAssertionFailed, "no pending jobs"):
    machine.wait_for_unit("nginx")
machine.start_job("nginx")
machine.wait_for_unit("nginx")

with subtest("a unit that fails, fails the wait at once"):
    machine.succeed("systemd-run --unit=broken --property=Type=oneshot false || true")
    with t.assertRaisesRegex(RequestedAssertionFailed, "failed"):
        machine.wait_for_unit("broken.service", timeout=300)
    machine.succeed("systemctl reset-failed")

with subtest("a user's own units"):
    machine.succeed("id -u alice", "loginctl enable-linger alice")
    machine.wait_for_unit("default.target", "alice")
    machine.wait_for_unit("default.target", user="alice", timeout=60)
    assert machine.get_unit_property("default.target", "ActiveState", "alice") == "active"
    machine.systemctl("--no-pager list-jobs", "alice")

with subtest("sockets"):
    machine.succeed("systemd-run --unit=listen socat UNIX-LISTEN:/tmp/socket,fork -")
    machine.wait_for_open_unix_socket("/tmp/socket")
    machine.wait_for_open_unix_socket("/tmp/socket", is_datagram=False, timeout=60)

with subtest("what systemd says on the console"):
    machine.succeed("echo from the journal | systemd-cat -t hello")
    machine.succeed("systemd-run --unit=said --wait true")
    assert "systemd" in machine.get_console_log()
