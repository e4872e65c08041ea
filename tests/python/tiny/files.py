# Files between the host and the guest.
import pathlib
import tempfile

with tempfile.TemporaryDirectory() as directory:
    host = pathlib.Path(directory)
    (host / "file").write_text("from the host\n")
    (host / "file").chmod(0o640)
    (host / "tree" / "deep").mkdir(parents=True)
    (host / "tree" / "deep" / "leaf").write_bytes(bytes(range(256)))

    machine.copy_from_host(f"{directory}/file", "/tmp/new/file")
    assert machine.succeed("cat /tmp/new/file") == "from the host\n"
    assert machine.succeed("stat -c %a /tmp/new/file") == "640\n"
    machine.copy_from_host(host / "tree", "/tmp/tree")
    assert machine.succeed("wc -c < /tmp/tree/deep/leaf").strip() == "256"
    machine.copy_from_host_via_shell(source=f"{directory}/file", target="/tmp/by/shell")
    assert machine.succeed("cat /tmp/by/shell") == "from the host\n"

machine.copy_from_vm("/tmp/new/file")
assert (machine.out_dir / "file").read_text() == "from the host\n"
machine.copy_from_machine("/tmp/tree", "copied")
machine.copy_from_vm("/tmp/new/file", target_dir="other")
assert (driver.out_dir / "copied" / "tree" / "deep" / "leaf").read_bytes() == bytes(
    range(256)
)
assert (driver.out_dir / "other" / "file").exists()

(machine.shared_dir / "note").write_text("shared\n")
assert machine.succeed("cat /tmp/shared/note") == "shared\n"
machine.succeed("echo back > /tmp/shared/answer")
assert (machine.shared_dir / "answer").read_text() == "back\n"
