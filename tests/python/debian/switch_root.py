# The change from stage 1 to stage 2, as far as a system without stage 1 can show it:
# units of the same names, of which the second starts the shell anew. Ends all else.
units = {
    "initrd.target": "[Unit]\nDescription=Stage 1\n",
    "initrd-switch-root.target": (
        "[Unit]\nAllowIsolate=yes\nRequires=stage-2.service\nAfter=stage-2.service\n"
    ),
    "stage-2.service": (
        "[Service]\nType=oneshot\n"
        "ExecStart=systemctl restart --no-block backdoor.service\n"
    ),
}
for name, text in units.items():
    machine.succeed(f"printf '{text}' > /run/systemd/system/{name}")
machine.succeed("systemctl daemon-reload", "systemctl start initrd.target")
machine.wait_for_unit("initrd.target")
before = machine.succeed("systemctl show backdoor.service -P MainPID")
machine.switch_root()
assert machine.connected
assert machine.succeed("systemctl show backdoor.service -P MainPID") != before
