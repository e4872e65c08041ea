"""Processes of the driver, in the form of `subprocess.Popen`."""

from __future__ import annotations

import os
import signal
import time

# Seconds between two looks at a process.
_PAUSE = 0.05


class Process:
    """A process that the driver has started, and waits for."""

    def __init__(self, pid, args, status=None, type_in=None):
        self.pid = pid
        self.args = args
        self._began = _began(pid)
        self._status = status
        self._code = None
        if type_in is not None:
            self.stdin = _Stdin(type_in)

    def __repr__(self):
        return f"<Process {self.pid}: {self.args}>"

    def __getattr__(self, name):
        if name == "stdin":
            raise AttributeError("the driver holds the stdin of this process")
        if name in ("stdout", "stderr"):
            raise AttributeError(
                f"the driver reads the {name} of this process; a machine's "
                "get_console_log() and full_console_log have its output"
            )
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    @property
    def returncode(self):
        """How the process has ended, or None until somebody has asked."""
        return self._code

    def poll(self):
        """How the process has ended: its status, less than 0 for a signal; or None."""
        if self._code is None:
            if self._status is not None:
                status = self._status(self.pid)
                if status is not None:
                    self._code = status
            elif self._began is None or _began(self.pid) != self._began:
                # A process that waits for it has its status already.
                self._code = 0
        return self._code

    def wait(self, timeout=None):
        """Waits until the process has ended, and returns how."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            if end is not None and time.monotonic() >= end:
                from subprocess import TimeoutExpired

                raise TimeoutExpired(self.args, timeout)
            time.sleep(_PAUSE)
        return self._code

    def send_signal(self, number):
        """Sends a signal to the process, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        """Asks the process to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self):
        """Ends the process."""
        self.send_signal(signal.SIGKILL)


class _Stdin:
    """The stdin of a machine's process: its serial console."""

    def __init__(self, type_in):
        self._type_in = type_in

    def write(self, data):
        """Types on the serial console."""
        self._type_in(bytes(data).decode())
        return len(data)

    def flush(self):
        """Does nothing: everything was sent."""


def _began(pid):
    """When a process began, to distinguish it from a later one with its number."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return None
    # A process that has ended, but that nobody has waited for, is a zombie.
    return None if fields[0] == "Z" else fields[19]
