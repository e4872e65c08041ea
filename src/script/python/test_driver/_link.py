"""The connection to the driver: requests from any thread, answers in any order.

A message is four bytes of length, most significant first, and as many bytes of JSON.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from _queue import SimpleQueue

from .errors import MachineError, RequestedAssertionFailed

_local = threading.local()
# The fork whose machines the main thread's names stand for; other threads too, which have
# entered none themselves.
_of_main: list = [None]


# Requests that begin steps, which have the line of the script.
_PLACED = {"call", "begin", "beginSubtest", "startAll", "joinAll"}


class Link:
    """One end of the connection; the driver has the other."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._sending = threading.Lock()
        self._pending: dict[int, SimpleQueue] = {}
        self._errors: dict[int, BaseException] = {}
        self._next_id = 0
        self._environment = dict(os.environ)
        self.tasks: dict[str, object] = {}
        # How an exception is shown; whoever runs the script knows.
        self.format = str
        # The file name of the compiled script, which its frames have.
        self.script: str | None = None
        self._reader = threading.Thread(target=self._read, name="driver", daemon=True)
        self._reader.start()

    def request(self, do: str, **words: object):
        """Sends a request to the driver, and waits for the answer.

        Meanwhile the driver may give this thread a task.
        """
        for stream in (sys.stdout, sys.stderr):
            # Earlier output of the script comes before that of the driver.
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):
                pass
        inbox: SimpleQueue = SimpleQueue()
        environment = dict(os.environ)
        with self._sending:
            if environment != self._environment:
                words["environment"] = self._changes(environment)
            self._next_id += 1
            number = self._next_id
            self._pending[number] = inbox
        words.update(id=number, do=do, step=current_step())
        fork = current_fork()
        if fork is not None:
            words["fork"] = fork["fork"]
        if do in _PLACED:
            words["line"] = self._line()
        check = getattr(_local, "check", None)
        if check is not None:
            words["check"] = check
        try:
            self._send(words)
            while True:
                message = inbox.get()
                if "task" in message:
                    self._perform(message)
                elif "error" in message:
                    raise self.revive(message["error"])
                else:
                    return message.get("value")
        finally:
            self._pending.pop(number, None)

    def _line(self):
        """The line of the script that sends the request, if the script does."""
        frame = sys._getframe(2)
        while frame is not None:
            if frame.f_code.co_filename == self.script:
                return frame.f_lineno
            frame = frame.f_back
        return None

    def _changes(self, environment: dict) -> dict:
        """The variables that the script has set, or unset (None), for new processes."""
        before, self._environment = self._environment, environment
        changes = {name: None for name in before if name not in environment}
        for name, value in environment.items():
            if before.get(name) != value:
                changes[name] = value
        return changes

    def revive(self, error: dict) -> BaseException:
        """The exception for an error of the driver."""
        exception = _exception(error["kind"], error["message"], error)
        exception._vmwright_error = error["id"]
        return exception

    def describe(self, exception: BaseException) -> dict:
        """Describes an exception for the driver, where the same one is the same error."""
        number = getattr(exception, "_vmwright_error", None)
        if number is not None:
            return {"id": number}
        with self._sending:
            self._next_id += 1
            number = -self._next_id
        try:
            exception._vmwright_error = number
        except AttributeError:
            pass
        try:
            message = str(exception)
        except Exception as error:
            message = f"(its message can't be shown: {type(error).__name__})"
        return {"id": number, "name": type(exception).__name__, "message": message}

    def describe_end(self, exception: BaseException) -> dict:
        """The same for an exception that may end the script with an exit status."""
        report = self.describe(exception)
        if isinstance(exception, SystemExit):
            report["exit"] = exit_status(exception)
        return report

    def _send(self, message: dict) -> None:
        data = json.dumps(message, separators=(",", ":")).encode()
        with self._sending:
            self._socket.sendall(len(data).to_bytes(4, "big") + data)

    def _read(self) -> None:
        stream = self._socket.makefile("rb", buffering=1 << 16)
        try:
            while True:
                header = stream.read(4)
                if len(header) < 4:
                    break
                message = json.loads(stream.read(int.from_bytes(header, "big")))
                if message.get("id") is not None:
                    inbox = self._pending.get(message["id"])
                    if inbox is not None:
                        inbox.put(message)
                    elif "task" in message:
                        self._send({"done": message["task"], "gone": True})
                elif message["do"] == "where":
                    # At once: the script may go on because of the next message.
                    self._perform(message)
                else:
                    threading.Thread(
                        target=self._perform, args=(message,), daemon=True
                    ).start()
        finally:
            # Without a driver there is nothing left to do.
            os._exit(1)

    def _perform(self, message: dict) -> None:
        """Runs a task of the driver, and sends the result."""
        answer: dict = {"done": message["task"]}
        before = getattr(_local, "check", None)
        if message.get("check"):
            _local.check = message["task"]
        try:
            answer["value"] = self.tasks[message["do"]](*message["args"])
        except SystemExit as exit:
            show_exit(exit)
            answer["exit"] = exit_status(exit)
        except BaseException as exception:
            answer["error"] = self.describe(exception)
        finally:
            _local.check = before
        self._send(answer)


def current_fork():
    """The fork whose machines the script's names stand for, if any."""
    return getattr(_local, "fork", None) or _of_main[0]


def enter_fork(fork):
    """Makes the script's names stand for a fork's machines; returns the earlier fork."""
    before = getattr(_local, "fork", None)
    _local.fork = fork
    if threading.current_thread() is threading.main_thread():
        _of_main[0] = fork
    return before


def exit_status(exit: SystemExit) -> int:
    """The exit status that Python would have."""
    if exit.code is None:
        return 0
    return exit.code & 0xFF if isinstance(exit.code, int) else 1


def show_exit(exit: SystemExit) -> None:
    """Shows the text that the script exits with, as Python would."""
    if exit.code is None or isinstance(exit.code, int):
        return
    from ._harmless import harmless

    print(harmless(str(exit.code)), file=sys.stderr)


def _exception(kind: str, message: str, more: dict) -> BaseException:
    if kind == "failure":
        return RequestedAssertionFailed(message)
    if kind == "machine":
        return MachineError(message)
    if kind == "condition":
        from .polling_condition import PollingConditionError

        return PollingConditionError(message)
    if kind == "timeout":
        return TimeoutError(message)
    if kind == "interrupt":
        return KeyboardInterrupt(message)
    if kind == "usage":
        return ValueError(message)
    if kind == "missing":
        return FileNotFoundError(message)
    if kind == "qmp":
        from .machine.qmp import QMPAPIError

        return QMPAPIError(message, more["className"], more["description"])
    return RuntimeError(message)


# The step of the log that a thread is in. A thread begins in the step of the thread
# that started it; a task of a pool begins in the step that submitted it.


class Step:
    """A step of the log that some threads are in, until it has ended for all of them."""

    def __init__(self, number, parent) -> None:
        self.number = number
        self.parent = parent
        self.ended = False


def current_step():
    """The innermost step that this thread is in, if any."""
    step = _innermost()
    return None if step is None else step.number


def _innermost():
    steps = getattr(_local, "steps", None)
    if steps:
        step = steps[-1]
    else:
        step = getattr(threading.current_thread(), "_vmwright_step", None)
    # A thread may outlive the step that it began in.
    while step is not None and step.ended:
        step = step.parent
    return step


def enter_step(number: int) -> Step:
    """Enters a new step with this thread, until the thread leaves it."""
    step = Step(number, _innermost())
    _enter(step)
    return step


def _enter(step) -> None:
    if not hasattr(_local, "steps"):
        _local.steps = []
    _local.steps.append(step)


def leave_step(step: Step) -> None:
    """The step has ended."""
    step.ended = True
    steps = getattr(_local, "steps", [])
    if step in steps:
        steps.remove(step)


_start = threading.Thread.start


def _start_in_step(thread: threading.Thread) -> None:
    thread._vmwright_step = _innermost()
    # A script that starts a pool of threads has imported the module already.
    pools = sys.modules.get("concurrent.futures.thread")
    if pools is not None and pools.ThreadPoolExecutor.submit is not _submit_in_step:
        global _submit
        _submit = pools.ThreadPoolExecutor.submit
        pools.ThreadPoolExecutor.submit = _submit_in_step
    _start(thread)


_submit = None


def _submit_in_step(pool, fn, /, *args, **kwargs):
    step = _innermost()

    def run(*args, **kwargs):
        _enter(step)
        try:
            return fn(*args, **kwargs)
        finally:
            _local.steps.pop()

    return _submit(pool, run, *args, **kwargs)


threading.Thread.start = _start_in_step
