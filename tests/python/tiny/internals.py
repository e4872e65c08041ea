# What scripts reach into: the parts of a machine, and of the driver, beside their methods.
import json
import select
import signal
import socket
import subprocess

import test_driver.machine.ocr
from test_driver.config import DriverConfiguration, load_driver_configuration
from test_driver.driver import get_tmp_dir, in_nix_sandbox
from test_driver.logger import rootlog
from test_driver.machine import CHAR_TO_KEY, QemuStartCommand, make_command
from test_driver.vsock import VsockPair


def read_until(one, end):
    one.settimeout(300)
    said = b""
    while end not in said:
        chunk = one.recv(1024)
        assert chunk, said
        said += chunk
    return said


with subtest("names to import"):
    assert CHAR_TO_KEY["A"] == "shift-a" and CHAR_TO_KEY["_"] == "shift-0x0C"
    assert CHAR_TO_KEY[" "] == "spc" and CHAR_TO_KEY["("] == "shift-0x0A"
    assert make_command(["echo", "a b", 1]) == "echo 'a b' 1"
    assert VsockPair(guest="/a", host="/b").guest.name == "a"
    assert get_tmp_dir().is_dir() and in_nix_sandbox() is ("NIX_BUILD_TOP" in os.environ)
    assert rootlog is log
    rootlog.info("said by rootlog")

with subtest("what the driver is made of"):
    assert driver.interactive is False and driver.keep_machine_state is False
    config = driver.config
    assert isinstance(config, DriverConfiguration) and config.vlans == [1]
    assert config.vms["machine"].name == "machine" and config.containers == {}
    assert config.vms["machine"].start_script.exists() and config.test_script.exists()
    path = machine.state_dir / "config.json"
    path.write_text(json.dumps({"vms": {"a": {"start_script": "/b"}}, "vlans": [2]}))
    loaded = load_driver_configuration(path)
    assert loaded.vms["a"].name == "a" and loaded.vlans == [2], loaded

with subtest("the process of a machine"):
    machine.connect()
    process = machine.process
    assert process is machine.process and process.pid == machine.pid
    assert process.poll() is None and process.returncode is None
    with t.assertRaises(subprocess.TimeoutExpired):
        process.wait(timeout=0.1)
    with t.assertRaisesRegex(AttributeError, "full_console_log"):
        process.stdout
    thread = machine.serial_thread
    assert thread.is_alive()
    process.kill()
    assert process.wait(60) == -signal.SIGKILL and process.returncode == -9
    thread.join()
    assert not thread.is_alive() and not machine.booted and machine.shell is None
    assert machine.process is process
    machine.start()
    assert machine.process is not process and machine.process.poll() is None

with subtest("a shell of the script's own"):
    shell = machine.shell
    assert shell is machine.shell and shell.fileno() > 0
    # The guest boots, and then greets.
    assert b"Spawning backdoor root shell..." in read_until(shell, b"shell...\n")
    assert select.select([shell], [], [], 0) == ([], [], [])
    shell.send(b"echo it is; read -r word; echo $word\nheard\n")
    assert read_until(shell, b"heard\n") == b"it is\nheard\n"
    assert machine.succeed("echo beside") == "beside\n"
    shell.send(b"echo more\n")
    assert read_until(shell, b"\n") == b"more\n"
    shell.settimeout(0.1)
    with t.assertRaises(TimeoutError if hasattr(socket, "EAI_AGAIN") else OSError):
        shell.recv(1)

with subtest("the monitors' sockets"):
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(str(machine.monitor_path))
        read_until(monitor, b"(qemu) ")
        monitor.send(b"info status\n")
        assert b"VM status: running" in read_until(monitor, b"(qemu) ")
    with socket.socket(socket.AF_UNIX) as qmp:
        qmp.connect(str(machine.qmp_path))
        assert "version" in json.loads(read_until(qmp, b"\n"))["QMP"]
        qmp.send(b'{"execute": "qmp_capabilities"}')
        assert json.loads(read_until(qmp, b"\n")) == {"return": {}}
        qmp.send(b'{"execute": "query-status", "id": 7}\n')
        answer = json.loads(read_until(qmp, b"\n"))
        assert answer["id"] == 7 and answer["return"]["running"], answer
        qmp.send(b'{"execute": "no-such"}\n')
        answer = json.loads(read_until(qmp, b"\n"))
        assert answer["error"]["class"] == "CommandNotFound", answer

with subtest("the lines of the console as a queue"):
    while not machine.last_lines.empty():
        machine.last_lines.get()
    machine.succeed("echo first > /dev/ttyS0; echo second > /dev/ttyS0")
    # The kernel of a busy host's guest may say something too.
    while machine.last_lines.get(timeout=60) != "first":
        pass
    machine.wait_for_console_text("second")
    machine.succeed("echo third > /dev/ttyS0")
    while machine.last_lines.empty():
        pass
    # To look is not to take.
    machine.wait_for_console_text("third")
    with t.assertRaisesRegex(AttributeError, "only get, get_nowait and empty"):
        machine.last_lines.qsize()

with subtest("a machine that the script takes for ended"):
    assert machine.vsock_guest is None
    before = machine.process
    machine.booted = False
    assert not machine.booted and not machine.is_up()
    machine.shutdown()
    machine.wait_for_shutdown()
    assert before.poll() is None
    machine.start()
    assert machine.booted and machine.process is not before and before.poll() is not None
    machine.pid = None
    assert machine.pid is None
    machine.release()
    assert machine.process.poll() is None
    machine.crash()
    with t.assertRaisesRegex(AttributeError, "can be None"):
        machine.pid = 1

with subtest("another start command, for the next start"):
    command = machine.start_command
    assert isinstance(command, QemuStartCommand)
    with t.assertRaisesRegex(NotImplementedError, "_cmd"):
        command.cmd("monitor", "qmp", "shell")
    assert command.build_environment("/a", "/b")["SHARED_DIR"] == "/b"
    plain = command._cmd
    command._cmd = "QEMU_KERNEL_PARAMS=said.by=test " + plain
    assert "said.by=test" in machine.succeed("cat /proc/cmdline")
    machine.crash()
    machine.start_command = QemuStartCommand(plain)
    assert "said.by=test" not in machine.succeed("cat /proc/cmdline")

with subtest("the text in a picture"):
    machine.screenshot("screen")
    picture = machine.out_dir / "screen.png"
    assert isinstance(test_driver.machine.ocr.perform_ocr_on_screenshot(picture), str)
    variants = test_driver.machine.ocr.perform_ocr_variants_on_screenshot(picture)
    assert len(variants) > 1

with subtest("a network"):
    (vlan,) = vlans
    assert vlan.tap_name == "vde-tap1" and vlan.process.pid == vlan.pid
    assert vlan.process.poll() is None
    with t.assertRaisesRegex(AttributeError, "vde_plug2tap"):
        vlan.plug_process
    vlan.stop()
    assert vlan.process.wait(60) is not None
