# Deaths that a test means, and words of death of a machine that lives.
from test_driver.errors import MachineError

console = "/dev/ttyS0"
machine.start()

for words in [
    "Entering emergency mode. Exit the shell to continue.",
    "[   12.345678] Kernel panic - not syncing: of an old journal",
    "grub rescue> ",
]:
    with subtest(f"a machine whose shell answers lives: {words}"):
        machine.succeed(f"printf '%s' '{words}' > {console}")
        machine.wait_for_console_text(words[:14], timeout=60)
        # No newline comes after a prompt, so the next line begins one.
        assert machine.succeed(f"echo > {console}; echo alive") == "alive\n"

with subtest("a panic on purpose, and what a kernel for crashes says after it"):
    machine.succeed("echo 0 > /proc/sys/kernel/panic")
    machine.execute("echo c > /proc/sysrq-trigger", check_return=False)
    machine.wait_for_console_text("Kernel panic - not syncing: sysrq", timeout=60)
    machine.wait_for_console_text("end Kernel panic", timeout=60)
    with t.assertRaisesRegex(MachineError, "Kernel panic - not syncing: sysrq"):
        machine.succeed("true")
    machine.crash()
    machine.start()
    assert machine.succeed("echo again") == "again\n"

with subtest("GRUB's prompt on a machine whose shell does not answer"):
    stop = "read -r _ _ _ backdoor _ </proc/$PPID/stat; kill -STOP $backdoor"
    with t.assertRaisesRegex(MachineError, "the guest of machine died: grub rescue>"):
        machine.succeed(f"{stop}; printf 'grub rescue> ' > {console}; sleep 1000")
    machine.crash()
