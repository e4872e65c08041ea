# What is asked of QEMU itself: keyboard, screen, network, monitor.
import socket

from test_driver.machine.qmp import QMPAPIError

answer = machine.send_monitor_command("info status")
assert answer.startswith("info status\r\n") and answer.endswith("\r\n(qemu) "), answer
assert "running" in answer
assert machine.qmp_client is not None
assert machine.qmp_client.send("query-status")["return"]["running"] is True
try:
    machine.qmp_client.send("this-command-does-not-exist")
except QMPAPIError as error:
    assert error.class_name == "CommandNotFound"
    assert error.description
    assert error.transaction_id is None
else:
    raise AssertionError("expected QMPAPIError")

with subtest("events that came before they are asked for"):
    machine.qmp_client.send("stop")
    machine.qmp_client.send("cont")
    event = machine.wait_for_qmp_event(lambda e: e["event"] == "STOP", timeout=60)
    assert event["event"] == "STOP" and "timestamp" in event
    machine.wait_for_qmp_event(lambda e: e["event"] == "RESUME")
    assert list(machine.qmp_client.events()) == []
    with t.assertRaises(TimeoutError):
        machine.wait_for_qmp_event(lambda e: e["event"] == "NEVER", timeout=1)
    machine.monitor.send(b"info status\n")
    assert b"running" in machine.monitor.recv(1024)

with subtest("keyboard and screen"):
    machine.send_key("alt-f1")
    machine.send_key("ret", delay=0.05, log=False)
    machine.send_chars("echo Typed-1\n")
    machine.send_chars("x", delay=None)
    machine.screenshot("screen")
    assert (machine.out_dir / "screen.png").read_bytes().startswith(b"\x89PNG")
    machine.screenshot(f"{driver.out_dir}/named.png")
    assert (machine.out_dir / "named.png").exists()


def free_port():
    """A port of the host that nobody uses, and that the kernel gives to nobody."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
                return port
            except OSError:
                pass


with subtest("network"):
    machine.forward_port(free_port(), 80)
    machine.forward_port(host_port=free_port(), guest_port=81)
    machine.succeed("ip link show eth1 | grep LOWER_UP")
    machine.block()
    machine.wait_until_fails("ip link show eth1 | grep LOWER_UP", timeout=60)
    machine.unblock()
    machine.wait_until_succeeds("ip link show eth1 | grep LOWER_UP", timeout=60)

assert machine.ssh_backdoor_command(3) == "ssh -o User=root vsock/3"
with t.assertRaisesRegex(ValueError, "machine has no ssh backdoor: "):
    machine.ssh_backdoor_command()
