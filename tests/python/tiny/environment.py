# What a script prepares on the host before it starts its machine. Runs on its own.
import os
import subprocess
import tempfile

assert not machine.booted
tmp_file = tempfile.NamedTemporaryFile()
os.environ["QEMU_KERNEL_PARAMS"] = "vmwright.test=from-the-script"

with open("vm-state-machine/note", "w") as note:
    note.write("in the state directory\n")
assert (machine.state_dir / "note").read_text() == "in the state directory\n"
subprocess.check_call(["test", "-d", "shared-xchg"])

machine.start()
assert "vmwright.test=from-the-script" in machine.succeed("cat /proc/cmdline")
machine.copy_from_host(tmp_file.name, "/tmp/empty")
machine.succeed("test -e /tmp/empty")

# The driver has given the guest a virtual socket, as the configuration says.
assert driver.vhost_vsock.sockets["machine"].host.is_socket()
assert machine.vsock_host == driver.vhost_vsock.sockets["machine"].host
machine.succeed("cat /sys/bus/pci/devices/*/device | grep -x 0x1053")
