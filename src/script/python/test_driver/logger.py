"""The log: messages and steps, kept by the driver."""

from __future__ import annotations

from contextlib import contextmanager
from enum import IntEnum

from ._link import Link, enter_step, leave_step


class LogLevel(IntEnum):
    """How much a message matters, least first."""

    DEBUG = 1
    INFO = 2
    WARNING = 3
    ERROR = 4


class AbstractLogger:
    """The class of `log`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def log(self, message, attributes={}):
        """Logs a message at every log level."""
        self._say(None, message, attributes)

    def debug(self, *args, **kwargs):
        """Logs a message for the search for faults."""
        self._say("debug", *args, **kwargs)

    def info(self, *args, **kwargs):
        """Logs a message."""
        self._say("info", *args, **kwargs)

    def warning(self, *args, **kwargs):
        """Logs a warning for the author."""
        self._say("warning", *args, **kwargs)

    def error(self, *args, **kwargs):
        """Logs an error, and fails the test."""
        self._say("error", *args, **kwargs)
        raise SystemExit(1)

    def log_test_error(self, *args, **kwargs):
        """Logs the failure of the test."""
        self._say("error", *args, **kwargs)

    def log_serial(self, message, machine):
        """Logs a line of a machine's serial console."""
        self._link.request("consoleLine", machine=str(machine), text=str(message))

    def print_serial_logs(self, enable):
        """Shows or hides the machines' serial consoles on the terminal."""
        self._link.request("serialStdout", on=bool(enable))

    def set_log_level(self, level):
        """Shows messages from this level up."""
        self._link.request("logLevel", level=LogLevel(level).name.lower())

    @contextmanager
    def nested(self, message, attributes={}):
        """Runs a step of the log."""
        with self._step(message, attributes, None):
            yield

    def _whole_script(self, message):
        """Runs the step of the log for the whole script."""
        return self._step(message, {}, "script")

    @contextmanager
    def _step(self, message, attributes, role):
        step = self._link.request(
            "begin", text=str(message), attributes=_attributes(attributes), role=role
        )
        with self._inside(step):
            yield

    @contextmanager
    def subtest(self, name, attributes={}, *, keep_going=None):
        """Runs a part of the test, which is a test case in reports.

        If it fails and keep_going is true, the script goes on after it, and fails at
        its end. By default, --keep-going decides.
        """
        step = self._link.request("beginSubtest", name=str(name))
        subtest = {
            "name": str(name),
            "keepGoing": None if keep_going is None else bool(keep_going),
        }
        with self._inside(step, subtest):
            yield

    @contextmanager
    def _inside(self, step, subtest=None):
        entered = enter_step(step)
        try:
            yield
        except GeneratorExit:
            raise
        except BaseException as exception:
            leave_step(entered)
            error = self._link.describe(exception)
            if isinstance(exception, SystemExit) and exception.code in (None, 0):
                error = None
            if subtest is None or not isinstance(exception, Exception):
                self._link.request("end", ended=step, error=error)
                raise
            subtest["traceback"] = self._link.format(exception)
            if not self._link.request("end", ended=step, error=error, subtest=subtest):
                raise
            return
        finally:
            leave_step(entered)
        self._link.request("end", ended=step, error=None)

    def _say(self, level, message="", attributes=None, **others):
        attributes = {**(attributes or {}), **others}
        self._link.request(
            "log", level=level, text=str(message), attributes=_attributes(attributes)
        )


class CompositeLogger(AbstractLogger):
    """The name in other versions."""


Logger = AbstractLogger
_current: list = []


def __getattr__(name):
    # The log, for scripts without another name for it.
    if name == "rootlog" and _current:
        return _current[-1]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _attributes(attributes):
    return {str(name): str(value) for name, value in (attributes or {}).items()}
