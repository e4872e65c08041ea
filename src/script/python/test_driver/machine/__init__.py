"""Machines, whose work the driver does."""

from __future__ import annotations

import os
import time

from .._link import current_fork
from ..duration import Preset, as_seconds, given_seconds, one_of
from ..errors import MachineError, RequestedAssertionFailed

_NOT_GIVEN = object()
# The default limit of a wait, and the default time of a key, in seconds.
_PATIENCE = Preset(900)
_EVENT_PATIENCE = Preset(600)
_KEY_DELAY = Preset(0.01)


def retry(fn, timeout_seconds=_NOT_GIVEN, timeout=_NOT_GIVEN):
    """Calls `fn` again and again until it returns something true.

    Given seconds, the last call gets `True`, all others `False`. Given `timeout` as a
    timedelta, or as None for no limit, each call gets the seconds that are left, or None,
    and there is no call after the end.
    """
    if timeout is _NOT_GIVEN:
        timeout = _PATIENCE if timeout_seconds is _NOT_GIVEN else timeout_seconds
    elif timeout_seconds is not _NOT_GIVEN:
        raise TypeError("retry() takes timeout_seconds or timeout, and not both")
    limit = _seconds(timeout, "retry")
    told_what_is_left = not isinstance(timeout, (int, float))
    began = time.monotonic()
    # Soon at first, and then once in a second.
    pause = 0.05
    while limit is None or time.monotonic() - began < limit:
        left = None if limit is None else limit - (time.monotonic() - began)
        if fn(left if told_what_is_left else False):
            return
        if limit is None:
            time.sleep(pause)
        else:
            left = limit - (time.monotonic() - began)
            time.sleep(max(0, min(pause, left)))
        pause = min(1, pause * 2)
    elapsed = time.monotonic() - began
    if told_what_is_left or not fn(True):
        raise RequestedAssertionFailed(
            f"action timed out after {elapsed:.2f} seconds (timeout={limit:g})"
        )


_SHIFTED = {
    "-": "_", "=": "+", "[": "{", "]": "}", ";": ":", "'": '"', "`": "~",
    "\\": "|", ",": "<", ".": ">", "/": "?",
}  # fmt: skip
_CODES = {
    "-": "0x0C", "=": "0x0D", "[": "0x1A", "]": "0x1B", ";": "0x27", "'": "0x28",
    "`": "0x29", "\\": "0x2B", ",": "0x33", ".": "0x34", "/": "0x35",
}  # fmt: skip
# The keys of an American keyboard, as QEMU's `sendkey` has them, by what they type.
CHAR_TO_KEY = {
    **{chr(code).upper(): f"shift-{chr(code)}" for code in range(ord("a"), ord("z") + 1)},
    **{one: f"shift-0x{number:02X}" for number, one in enumerate("!@#$%^&*()", start=2)},
    **_CODES,
    **{shifted: f"shift-{_CODES[plain]}" for plain, shifted in _SHIFTED.items()},
    " ": "spc",
    "\n": "ret",
}


def make_command(args):
    """Joins words to a command for the shell."""
    from shlex import quote

    return " ".join(quote(str(one)) for one in args)


class QemuStartCommand:
    """The start command of a machine."""

    def __init__(self, script):
        self._text = os.fspath(script)
        self._machine = None

    @property
    def _cmd(self):
        return self._text

    @_cmd.setter
    def _cmd(self, text):
        # The next start runs it.
        self._text = os.fspath(text)
        if self._machine is not None:
            self._machine._ask("setStartCommand", command=self._text)

    def cmd(self, *args, **options):
        """Not here: the driver appends QEMU's arguments when it starts the machine."""
        raise NotImplementedError(
            "the driver appends QEMU's arguments itself when it starts a machine; set "
            "start_command._cmd, or use create_machine(), to start another command"
        )

    run = cmd

    @staticmethod
    def build_environment(state_dir, shared_dir):
        """The environment of a start command."""
        return {
            **os.environ,
            "TMPDIR": str(state_dir),
            "SHARED_DIR": str(shared_dir),
            "USE_TMPDIR": "1",
        }

    @property
    def machine_name(self):
        """The name between `run-` and `-vm` at the end, else `machine`."""
        import re

        match = re.search("run-([^/]+)-vm$", self._cmd)
        return match.group(1) if match else "machine"

    def __repr__(self):
        return self._cmd


class BaseMachine:
    """A machine under test."""

    def __init__(self, link, logger, facts):
        self._link = link
        self._facts = facts
        self._processes = {}
        # The processes that the script takes for ended, or whose numbers it does not have.
        self._given_up = None
        self._forgotten = None
        self.logger = logger
        self.name = facts["name"]
        self.callbacks = []
        self.keep_machine_state = self.keep_vm_state = facts["keepState"]

    def __repr__(self):
        return f"<{type(self).__name__} '{self.name}'>"

    def _ask(self, do, **words):
        return self._link.request(do, machine=self.name, **words)

    def _call(self, method, *args, **options):
        """Calls a method of the driver's machine; options that are None are left out."""
        arguments = list(args)
        while arguments and arguments[-1] is None:
            arguments.pop()
        given = {name: value for name, value in options.items() if value is not None}
        if given:
            arguments.append(given)
        return self._ask("call", method=method, args=arguments)

    def _get(self, fact):
        return self._ask("get", fact=fact)

    def _path(self, fact):
        from pathlib import Path

        fork = current_fork()
        for facts in [] if fork is None else fork["machines"]:
            if facts["name"] == self.name:
                return Path(facts[fact])
        return Path(self._facts[fact])

    # Facts

    @property
    def out_dir(self):
        """Where screenshots and copied files go."""
        return self._path("outDir")

    @property
    def state_dir(self):
        """The machine's own directory on the host."""
        return self._path("stateDir")

    @state_dir.setter
    def state_dir(self, path):
        # The directory of another machine, so that this one boots that one's disk.
        self._facts["stateDir"] = self._ask("setStateDir", path=_host_path(path))

    @property
    def shared_dir(self):
        """The directory that all machines share with the host."""
        return self._path("sharedDir")

    @property
    def tmp_dir(self):
        """The directory with those of all machines."""
        return self._path("sharedDir").parent

    @property
    def booted(self):
        """Whether the guest runs. After `False`, the next start begins a new one."""
        return self._get("booted") and not self._is_given_up()

    @booted.setter
    def booted(self, value):
        # Scripts set it for a guest that powers itself off.
        self._given_up = None if value else self._get("pid")

    def _is_given_up(self):
        return self._given_up is not None and self._given_up == self._get("pid")

    @property
    def connected(self):
        """Whether the guest's shell takes commands. After `False`, the next connects."""
        return self._get("connected")

    @connected.setter
    def connected(self, value):
        if not value:
            self._call("disconnect")

    @property
    def pid(self):
        """The process of the start command, or None while nothing runs."""
        pid = self._get("pid")
        return None if pid == self._forgotten else pid

    @pid.setter
    def pid(self, value):
        # A script that sets None has ended the process itself.
        if value is not None:
            raise AttributeError(
                f"pid of {self!r} can be None, but a script can set no other value"
            )
        self._forgotten = self._get("pid")

    @property
    def process(self):
        """The process of the last start, or None before the first."""
        from .._process import Process

        pid = self._get("pid")
        if pid is None:
            # The driver knows by its number how it has ended.
            return next(reversed(self._processes.values()), None)
        if pid not in self._processes:
            self._processes[pid] = Process(
                pid, str(self.start_command), self._status, self.send_console
            )
        return self._processes[pid]

    def _status(self, pid):
        status = self._ask("exitStatus", pid=pid)
        if status is None:
            return None
        if status["signal"] is not None:
            import signal

            return -getattr(signal, status["signal"]).value
        return status["code"]

    # The log

    def log(self, msg):
        """Logs a message about this machine."""
        self.logger.log(msg, {"machine": self.name})

    def log_serial(self, msg):
        """Logs a line of this machine's serial console."""
        self.logger.log_serial(msg, self.name)

    def nested(self, msg, attrs={}):
        """Runs a step of the log."""
        return self.logger.nested(msg, {"machine": self.name, **attrs})

    # Life

    def is_up(self):
        """Whether the guest runs and its shell is connected."""
        return self._call("isUp") and not self._is_given_up()

    def start(self, allow_reboot=False, fast_forward=False):
        """Starts the machine, without waiting until its guest has booted."""
        if self._is_given_up():
            # A second guest would use the same disks.
            self._call("release")
        options = {"allowReboot": allow_reboot, "fastForward": fast_forward}
        self._call("start", {name: True for name, on in options.items() if on})
        # The script may use its process even when that has ended.
        self.process  # noqa: B018

    def connect(self):
        """Waits until the guest's shell takes commands."""
        self._call("connect")

    def wait_for_shutdown(self):
        """Waits until the guest has ended by itself."""
        if not self._is_given_up():
            self._call("waitForShutdown")

    def release(self):
        """Ends the guest, whatever it does."""
        if self._forgotten is None or self.pid is not None:
            self._call("release")

    def shutdown(self):
        """Powers the guest off and waits until it is gone."""
        if not self._is_given_up():
            self._call("shutdown")

    def crash(self):
        """Ends the guest at once, as a power failure does."""
        if not self._is_given_up():
            self._call("crash")

    def reboot(self):
        """Presses Ctrl+Alt+Delete; the next command waits for the new boot."""
        self._call("reboot")

    def run_callbacks(self):
        """Calls the functions in `callbacks`."""
        for callback in self.callbacks:
            callback()

    def cleanup_statedir(self):
        """Removes the machine's own directory."""
        import shutil

        shutil.rmtree(self.state_dir)

    # Commands

    def execute(
        self, command, check_return=True, check_output=True, timeout=_PATIENCE
    ):
        """Runs a shell command. Returns its status and its stdout."""
        self.run_callbacks()
        status, output = self._ask(
            "call",
            method="execute",
            args=[
                str(command),
                {
                    "checkReturn": bool(check_return),
                    "checkOutput": bool(check_output),
                    "timeout": _seconds(timeout, "execute"),
                },
            ],
        )
        return status, output

    def succeed(self, *commands, timeout=None):
        """Runs commands, each of which must succeed. Returns their stdout."""
        return self._run("succeed", commands, timeout)

    def fail(self, *commands, timeout=None):
        """Runs commands, each of which must fail. Returns their stdout."""
        return self._run("fail", commands, timeout)

    def _run(self, method, commands, timeout):
        self.run_callbacks()
        timeout = _seconds(timeout, method)
        return self._call(method, *map(str, commands), timeout=timeout)

    def wait_until_succeeds(self, command, timeout=_PATIENCE, attempt_timeout=None):
        """Runs a command again and again until it succeeds."""
        if attempt_timeout is not None:
            return self._repeat("success", command, timeout, attempt_timeout)
        return self._wait("wait_until_succeeds", str(command), timeout=timeout)

    def wait_until_fails(self, command, timeout=_PATIENCE, attempt_timeout=None):
        """Runs a command again and again until it fails."""
        if attempt_timeout is not None:
            return self._repeat("failure", command, timeout, attempt_timeout)
        return self._wait("wait_until_fails", str(command), timeout=timeout)

    def _repeat(self, what, command, timeout, attempt_timeout):
        """Repeats a command with a limit for each run."""
        from datetime import timedelta

        taker = f"wait_until_{'succeeds' if what == 'success' else 'fails'}"
        whole = _seconds(timeout, taker)
        attempt = given_seconds(attempt_timeout, taker)
        outcome = []

        def run(left):
            # A run that hangs also ends with the whole wait.
            limit = attempt if left is None else min(attempt, left)
            outcome[:] = self.execute(command, timeout=Preset(limit))
            return (outcome[0] == 0) == (what == "success")

        with self.nested(f"waiting for {what}: {command}"):
            try:
                retry(run, timeout=None if whole is None else timedelta(seconds=whole))
            except RequestedAssertionFailed as error:
                last = f"; its last status was {outcome[0]}" if outcome else ""
                raise RequestedAssertionFailed(
                    f"waiting for {what} of `{command}`: {error}{last}"
                ) from None
            return outcome[1]

    def _wait(self, name, *args, timeout, attempt_timeout=None, **options):
        """Leaves a wait to the driver, which has it under its own spelling."""
        self.run_callbacks()
        limit = _seconds(timeout, name)
        method = _camel_case(name)
        options = {name: value for name, value in options.items() if value is not None}
        if attempt_timeout is None:
            # None is passed on, because without a value there is a limit.
            args = [*args, {**options, "timeout": limit}]
            return self._ask("call", method=method, args=args)
        attempt = given_seconds(attempt_timeout, name)
        left = _Deadline(limit)
        while True:
            rest = left.seconds()
            seconds = attempt if rest is None else min(attempt, rest)
            began = time.monotonic()
            try:
                return self._call(method, *args, timeout=seconds, **options)
            except RequestedAssertionFailed:
                # A failure before the limit is no timeout, and final.
                if time.monotonic() - began < seconds or left.seconds() == 0:
                    raise

    def sleep(self, secs=None, duration=None):
        """Waits, by the guest's clock."""
        given = one_of("sleep", "secs", secs, "duration", duration)
        if given is None:
            raise TypeError("sleep() takes a duration, got none")
        self._call("sleep", given_seconds(given, "sleep"))

    # systemd

    def limit_cpu(self, share):
        """Leaves the guest a part of its processors' time, such as 0.2."""
        return self._fault("limitCpu", share)

    def _fault(self, method, *args):
        from ..faults import fault_of

        return fault_of(self._link, self._call(method, *args))

    def systemctl(self, q, user=None):
        """Runs `systemctl`. Returns its status and its stdout."""
        status, output = self._call("systemctl", str(q), user)
        return status, output

    def wait_for_unit(
        self, unit, user=None, timeout=_PATIENCE, attempt_timeout=None
    ):
        """Waits until a unit is active."""
        self._wait(
            "wait_for_unit",
            str(unit),
            user=user,
            timeout=timeout,
            attempt_timeout=attempt_timeout,
        )

    def wait_for_unit_active_state(self, unit, state, user=None, timeout=_PATIENCE):
        """Waits until a unit is in a state."""

        def reached(_last):
            return self.get_unit_property(unit, "ActiveState", user) == state

        with self.nested(f"waiting for unit {unit} to be {state}"):
            limit = _seconds(timeout, "wait_for_unit_active_state")
            retry(reached, limit if limit is None else Preset(limit))

    def get_unit_info(self, unit, user=None):
        """The properties of a unit."""
        return self._call("getUnitInfo", str(unit), user)

    def get_unit_property(self, unit, property, user=None):
        """One property of a unit."""
        return self._call("getUnitProperty", str(unit), str(property), user)

    def require_unit_state(self, unit, require_state="active"):
        """Demands that a unit is in a state now."""
        self._call("requireUnitState", str(unit), str(require_state))

    def start_job(self, jobname, user=None):
        """Starts a unit."""
        status, output = self._call("startJob", str(jobname), user)
        return status, output

    def stop_job(self, jobname, user=None):
        """Stops a unit."""
        status, output = self._call("stopJob", str(jobname), user)
        return status, output

    # Waits

    def wait_for_file(self, filename, timeout=_PATIENCE, attempt_timeout=None):
        """Waits until a file exists."""
        self._wait(
            "wait_for_file",
            str(filename),
            timeout=timeout,
            attempt_timeout=attempt_timeout,
        )

    def wait_for_open_port(
        self, port, addr="localhost", timeout=_PATIENCE, attempt_timeout=None
    ):
        """Waits until a process listens on a TCP port."""
        self._wait(
            "wait_for_open_port",
            int(port),
            addr=str(addr),
            timeout=timeout,
            attempt_timeout=attempt_timeout,
        )

    def wait_for_closed_port(
        self, port, addr="localhost", timeout=_PATIENCE, attempt_timeout=None
    ):
        """Waits until no process listens on a TCP port."""
        self._wait(
            "wait_for_closed_port",
            int(port),
            addr=str(addr),
            timeout=timeout,
            attempt_timeout=attempt_timeout,
        )

    def wait_for_open_unix_socket(
        self, addr, is_datagram=False, timeout=_PATIENCE, attempt_timeout=None
    ):
        """Waits until a process listens on a UNIX socket."""
        self._wait(
            "wait_for_open_unix_socket",
            str(addr),
            isDatagram=bool(is_datagram),
            timeout=timeout,
            attempt_timeout=attempt_timeout,
        )

    # Console

    def wait_for_console_text(self, regex, timeout=None):
        """Waits until the serial console's text matches."""
        from .._patterns import Pattern

        pattern = Pattern(regex)
        limit = _seconds(timeout, "wait_for_console_text")
        self.run_callbacks()
        if pattern.search(""):
            with self.nested(f"waiting for {pattern} to appear on console"):
                return
        translated = pattern.for_stream()
        if translated is not None:
            self._call("waitForConsoleText", translated, timeout=limit)
            return
        with self.nested(f"waiting for {pattern} to appear on console"):
            left = _Deadline(limit)
            text = None
            while True:
                line = self._ask(
                    "consoleLineNext", timeout=left.seconds(), keep=False
                )
                if line is None:
                    last = self.get_console_log().rstrip("\n").split("\n")[-10:]
                    raise RequestedAssertionFailed(
                        f"the console of {self.name} did not say {pattern} "
                        f"within {limit:g} seconds; its last lines:\n"
                        + "\n".join(f"  {line}" for line in last)
                    )
                text = line if text is None else f"{text}\n{line}"
                if pattern.search(text) or pattern.search(text + "\n"):
                    return

    def get_console_log(self):
        """All of the serial console since the boot."""
        return self._call("getConsoleLog")

    @property
    def full_console_log(self):
        """The lines of the serial console since the boot."""
        return self.get_console_log().split("\n")

    def send_console(self, chars):
        """Types on the serial console."""
        self._call("sendConsole", str(chars))

    # Screen

    def screenshot(self, filename):
        """Takes a picture of the screen."""
        filename = str(filename)
        if "/" in filename:
            filename = os.path.abspath(filename)
        self._call("screenshot", filename)

    def get_screen_text(self):
        """The text on the screen."""
        return self._call("getScreenText")

    def get_screen_text_variants(self):
        """The text on the screen, in several readings."""
        return self._call("getScreenTextVariants")

    def wait_for_text(self, regex, timeout=_PATIENCE):
        """Waits until the text on the screen matches."""
        self._wait_for_pattern(
            "wait_for_text",
            f"waiting for {regex} to appear on screen",
            regex,
            timeout,
            self.get_screen_text_variants,
        )

    # Windows

    def wait_for_x(self, timeout=_PATIENCE, attempt_timeout=None):
        """Waits until the X server takes connections."""
        self._wait("wait_for_x", timeout=timeout, attempt_timeout=attempt_timeout)

    def get_window_names(self):
        """The names of all X11 windows."""
        return self._call("getWindowNames")

    def wait_for_window(self, regexp, timeout=_PATIENCE):
        """Waits until an X11 window has a name that matches."""
        self._wait_for_pattern(
            "wait_for_window",
            "waiting for a window to appear",
            regexp,
            timeout,
            self.get_window_names,
        )

    def _wait_for_pattern(self, name, text, regex, timeout, look, *args):
        """Leaves the wait to the driver, unless only Python can match the pattern."""
        from .._patterns import Pattern

        pattern = Pattern(regex)
        translated = pattern.for_text()
        if translated is not None:
            self._wait(name, *args, translated, timeout=timeout)
            return
        limit = _seconds(timeout, name)
        self.run_callbacks()
        with self.nested(text):
            seen = []

            def matches(last):
                seen[:] = look()
                return any(pattern.search(one) for one in seen)

            try:
                retry(matches, limit if limit is None else Preset(limit))
            except RequestedAssertionFailed as error:
                shown = "\n".join(seen)
                raise RequestedAssertionFailed(f"{error}; last seen:\n{shown}") from None

    # Files

    def copy_from_host(self, source, target):
        """Copies a file or a tree from the host into the guest."""
        self._call("copyFromHost", _host_path(source), str(target))

    def copy_from_host_via_shell(self, source, target):
        """Copies a file into the guest without the shared directory."""
        self._call("copyFromHostViaShell", _host_path(source), str(target))

    def copy_from_machine(self, source, target_dir=""):
        """Copies a file or a tree from the guest into the output directory."""
        self._call("copyFromMachine", str(source), str(target_dir))

    def copy_from_vm(self, source, target_dir=""):
        """The older name of `copy_from_machine`."""
        self.copy_from_machine(source, target_dir)

    def ssh_backdoor_command(self, index=None):
        """The command that connects to the guest's ssh backdoor."""
        return self._call("sshBackdoorCommand", index)


class QemuMachine(BaseMachine):
    """A machine that QEMU runs."""

    def __init__(self, link, logger, facts):
        super().__init__(link, logger, facts)
        self._start_command = QemuStartCommand(facts["startCommand"])
        self._start_command._machine = self
        self.vsock_host = self.vsock_guest = None
        self._shells = {}
        self._last_lines = None

    @property
    def start_command(self):
        """The start command. A new value counts from the next start on."""
        return self._start_command

    @start_command.setter
    def start_command(self, command):
        if not isinstance(command, QemuStartCommand):
            command = QemuStartCommand(command)
        command._machine = self
        self._start_command = command
        command._cmd = command._text

    def _door(self, name):
        from pathlib import Path

        return Path(self._ask("door", door=name))

    @property
    def shell_path(self):
        """A socket that leads to a shell in the guest; each connection has its own."""
        return self._door("shell")

    @property
    def monitor_path(self):
        """A socket that leads to QEMU's human monitor."""
        return self._door("monitor")

    @property
    def qmp_path(self):
        """A socket that speaks QMP, beside the driver's own session."""
        return self._door("qmp")

    @property
    def shell(self):
        """A connection to a shell in the guest, or None while nothing runs.

        It is a separate connection: `execute` and the others use another one.
        """
        pid = self._get("pid")
        if pid is None:
            return None
        if pid not in self._shells:
            import socket

            one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            one.connect(str(self.shell_path))
            self._shells[pid] = one
        return self._shells[pid]

    @property
    def last_lines(self):
        """The lines of the serial console that no wait has taken yet, as a queue."""
        if self._last_lines is None:
            self._last_lines = LastLines(self)
        return self._last_lines

    @property
    def serial_thread(self):
        """The reader of the serial console, or None before the first start."""
        return None if self.process is None else SerialThread(self.process)

    @property
    def qmp_client(self):
        """The QMP session, or None before the first start."""
        from .qmp import QMPSession

        return QMPSession(self) if self._ask("qmpReady") else None

    @property
    def monitor(self):
        """QEMU's human monitor, as something to send to and receive from."""
        if getattr(self, "_monitor", None) is None:
            self._monitor = Monitor(self)
        return self._monitor

    # Life

    def switch_root(self):
        """Goes on from stage 1 to stage 2, and connects again."""
        self._call("switchRoot")

    # EFI variables

    @property
    def efi_vars_path(self):
        """The file of the firmware's variables."""
        from pathlib import Path

        return Path(self._ask("efiVarsPath"))

    @property
    def efi_vars(self):
        """The store of the firmware's variables."""
        from ..efi import EfiVars

        return EfiVars(self.efi_vars_path, self)

    def create_efi_vars(self):
        """Makes an empty store of variables."""
        self.efi_vars.create_empty()

    def read_efi_vars(self):
        """All variables, or None if there is no store."""
        return self.efi_vars.read_content()

    def write_efi_vars(self, add):
        """Adds variables, or changes existing ones."""
        self.efi_vars.write(add)

    def dump_efi_vars(self):
        """Shows all variables in the log."""
        self._ask("efiDump")

    # Virtual terminals

    def get_tty_text(self, tty):
        """The text on a virtual terminal."""
        return self._call("getTtyText", str(tty))

    def wait_until_tty_matches(self, tty, regexp, timeout=_PATIENCE):
        """Waits until the text on a virtual terminal matches."""
        self._wait_for_pattern(
            "wait_until_tty_matches",
            f"waiting for {regexp} to appear on tty {tty}",
            regexp,
            timeout,
            lambda: [self.get_tty_text(tty)],
            str(tty),
        )

    def dump_tty_contents(self, tty):
        """Writes the text on a virtual terminal to the guest's journal."""
        self._call("dumpTtyContents", str(tty))

    # Keyboard

    def send_key(self, key, delay=_KEY_DELAY, log=True):
        """Presses a key, or several together."""
        delay = 0 if delay is None else given_seconds(delay, "send_key")
        self._call("sendKey", str(key), delay=delay, log=bool(log))

    def send_chars(self, chars, delay=_KEY_DELAY):
        """Types text."""
        delay = 0 if delay is None else given_seconds(delay, "send_chars")
        self._call("sendChars", str(chars), delay=delay)

    # Network and QEMU

    def forward_port(self, host_port=8080, guest_port=80):
        """Forwards a TCP port of the host to one of the guest."""
        self._call("forwardPort", int(host_port), int(guest_port))

    def link(self, vlan):
        """The machine's link to a VLAN, where faults are set."""
        from ..faults import Link

        return Link(self._link, self, vlan)

    def block(self):
        """Unplugs the cable to the other machines."""
        self._call("block")

    def unblock(self):
        """Plugs the cable in again."""
        self._call("unblock")

    # Disks and time

    def disk(self, name=None):
        """A disk of the machine; the first by default."""
        from ..faults import Disk

        return Disk(self._link, self, name)

    def fill_disk(self, path="/"):
        """Fills a file system of the guest with a file."""
        return self._fault("fillDisk", os.fspath(path))

    def limit_memory(self, bytes):
        """Takes memory from the guest until it has so many bytes left."""
        return self._fault("limitMemory", bytes)

    def power_loss(self):
        """Ends the guest as a power failure does, with the caches of its disks."""
        self._call("powerLoss")

    def pause(self):
        """Has the guest stand still."""
        return self._fault("pause")

    def resume(self):
        """Has a guest go on that was paused."""
        self._call("resume")

    def set_clock(self, to):
        """Sets the guest's clock, to a `datetime` or to seconds since 1970."""
        from ..faults import seconds_since_1970

        return self._fault("setClock", seconds_since_1970(to))

    def skew(self, by):
        """Sets the guest's clock ahead by a duration, or back by a negative one."""
        return self._fault("skew", as_seconds(by))

    def nmi(self):
        """Sends the guest a non-maskable interrupt."""
        self._call("nmi")

    def send_monitor_command(self, command):
        """Sends a command to QEMU's human monitor. Returns the monitor's text."""
        self.run_callbacks()
        answer = self._call("sendMonitorCommand", str(command))
        # The monitor echoes the command, and prints its prompt.
        return f"{command}\r\n{answer}(qemu) "

    def wait_for_qmp_event(self, event_filter, timeout=_EVENT_PATIENCE):
        """The first QMP event that `event_filter` accepts and nobody has taken yet."""
        if not self._ask("qmpReady"):
            raise RuntimeError("QMP is not ready: the machine was not started")
        limit = _seconds(timeout, "wait_for_qmp_event")
        left = _Deadline(limit)
        while True:
            event = self._ask("qmpNext", timeout=left.seconds())
            if event is None:
                raise TimeoutError(f"no such QMP event came in {limit:g} seconds")
            if event_filter(event):
                return event

    # By hand

    def shell_interact(self, address=None):
        """A terminal into the guest."""
        self._call("shellInteract", address)

    def console_interact(self):
        """The serial console, by hand."""
        self._call("consoleInteract")


class _PlainMachine(BaseMachine):
    """A machine without what only QEMU gives."""

    _noun: str

    def __init__(self, link, logger, facts):
        super().__init__(link, logger, facts)
        self.start_command = facts["startCommand"]

    def __getattr__(self, name):
        why = "is nothing that a machine has"
        if hasattr(QemuMachine, name):
            why = f"needs a machine that QEMU runs, and not a {self._noun}"
        raise AttributeError(f"{name} of {self!r} {why}")


class NspawnMachine(_PlainMachine):
    """A container that systemd-nspawn runs."""

    _noun = "container"


class MicroVmMachine(_PlainMachine):
    """A machine of a small hypervisor, such as Firecracker."""

    _noun = "microVM"

    link = QemuMachine.link
    disk = QemuMachine.disk
    fill_disk = QemuMachine.fill_disk
    limit_memory = QemuMachine.limit_memory
    block = QemuMachine.block
    unblock = QemuMachine.unblock
    pause = QemuMachine.pause
    resume = QemuMachine.resume
    set_clock = QemuMachine.set_clock
    skew = QemuMachine.skew


class CloudHypervisorMachine(MicroVmMachine):
    """A machine that Cloud Hypervisor runs."""

    nmi = QemuMachine.nmi


def class_of(backend):
    """The class of a backend's machines."""
    known = {
        "qemu": QemuMachine,
        "nspawn": NspawnMachine,
        "cloud-hypervisor": CloudHypervisorMachine,
    }
    return known.get(backend, MicroVmMachine)


# The names of older versions.
Machine = QemuMachine
StartCommand = NixStartScript = QemuStartCommand


class Monitor:
    """QEMU's human monitor in the form of a socket."""

    def __init__(self, machine):
        self._machine = machine
        self._said = b""

    def send(self, data):
        """Sends complete lines."""
        for line in bytes(data).decode().splitlines():
            self._said += self._machine.send_monitor_command(line).encode()
        return len(data)

    sendall = send

    def recv(self, size):
        """The monitor's answer."""
        taken, self._said = self._said[:size], self._said[size:]
        return taken


class LastLines:
    """Lines of a serial console in the form of `queue.Queue`."""

    def __init__(self, machine):
        self._machine = machine

    def _next(self, timeout, keep=False):
        return self._machine._ask("consoleLineNext", timeout=timeout, keep=keep)

    def get(self, block=True, timeout=None):
        """The next line, for which it waits."""
        line = self._next(timeout if block else 0)
        if line is not None:
            return line.rstrip()
        from queue import Empty

        raise Empty

    def get_nowait(self):
        """The next line, if there is one."""
        return self.get(block=False)

    def empty(self):
        """Whether there is no line yet."""
        return self._next(0, keep=True) is None

    def __getattr__(self, name):
        raise AttributeError(
            f"last_lines has no {name}, only get, get_nowait and empty; "
            "full_console_log has all lines"
        )


class SerialThread:
    """The reader of a serial console in the form of `threading.Thread`."""

    def __init__(self, process):
        self._process = process

    def is_alive(self):
        """Whether there may be more to read."""
        return self._process.poll() is None

    def join(self, timeout=None):
        """Waits until there is no more."""
        from subprocess import TimeoutExpired

        try:
            self._process.wait(timeout)
        except TimeoutExpired:
            pass


class _Deadline:
    def __init__(self, limit):
        self._end = None if limit is None else time.monotonic() + limit

    def seconds(self):
        """The seconds that are left; None without a limit."""
        if self._end is None:
            return None
        return max(0.0, self._end - time.monotonic())


def _seconds(timeout, taker):
    return None if timeout is None else given_seconds(timeout, taker)


def _camel_case(name):
    """The driver's spelling of a method's name."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _host_path(path):
    return os.path.abspath(os.fspath(path))


__all__ = [
    "BaseMachine",
    "CloudHypervisorMachine",
    "Machine",
    "MachineError",
    "MicroVmMachine",
    "NspawnMachine",
    "QemuMachine",
    "QemuStartCommand",
    "RequestedAssertionFailed",
    "retry",
]
