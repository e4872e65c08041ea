"""Runs a test script: the process's own main program."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager

from ._link import Link, enter_step, leave_step, show_exit
from .debug import Debug
from .driver import Driver, assertion_tester
from .logger import CompositeLogger
from .logger import _current as loggers
from .polling_condition import check

_here = os.path.dirname(os.path.abspath(__file__))


class AboveStatus:
    """A stream that first clears a terminal below the cursor."""

    def __init__(self, stream):
        self._stream = stream
        self._clears = stream.isatty()

    def write(self, text):
        """Writes a text where the driver's lines were, which are drawn again."""
        return self._stream.write(("\x1b[J" if self._clears else "") + text)

    def __getattr__(self, name):
        return getattr(self._stream, name)


class Session:
    """This process, as the driver uses it."""

    def __init__(self, path):
        self.link = link = Link(path)
        self.prompts = []
        self.namespace = None
        link.format = self.format
        link.tasks.update(
            run=self.run,
            bind=self.bind,
            check=check,
            where=self.where,
            push=self.push,
            pushCaptured=self.push_captured,
            reset=self.reset,
            complete=self.complete,
        )

    def bind(self, facts):
        """Binds all names that a script sees."""
        logger = CompositeLogger(self.link)
        loggers.append(logger)
        self.debug = debug = Debug(self.link, self.enter_prompt)
        self.facts = facts
        if facts["isLive"]:
            sys.stdout = sys.stdout and AboveStatus(sys.stdout)
            sys.stderr = sys.stderr and AboveStatus(sys.stderr)
        self.driver = Driver(self.link, logger, debug, facts)
        self.driver._script = self.run_script
        self.link.script = facts["script"]["name"]
        self.namespace = self.driver.test_symbols()
        self.driver._warn_of_hidden_names()

    def run(self, step):
        """Runs the script. Returns its failure, if there is one."""
        entered = None if step is None else enter_step(step)
        try:
            self.run_script()
        except SystemExit as exit:
            show_exit(exit)
            return {"error": self.link.describe_end(exit)}
        except BaseException as exception:
            failure = {
                "error": self.link.describe(exception),
                "traceback": self.format(exception),
            }
            if self.facts["stopsAtFailure"] and isinstance(exception, Exception):
                self.stop_at(exception, failure)
            return failure
        finally:
            if entered is not None:
                leave_step(entered)
            for stream in (sys.stdout, sys.stderr):
                try:
                    stream.flush()
                except (AttributeError, OSError, ValueError):
                    pass
        return None

    def stop_at(self, exception, failure):
        """Stops in the script's innermost frame of an exception."""
        name = self.facts["script"]["name"]
        found = None
        step = exception.__traceback__
        while step is not None:
            if step.tb_frame.f_code.co_filename == name:
                found = step
            step = step.tb_next
        # A mistake in the script's syntax comes before its first frame.
        if found is not None:
            self.debug._failed(found.tb_frame, found.tb_lineno, failure)

    def where(self):
        """Where the script is, as a traceback shows it; nothing if it does not run."""
        import traceback

        name = self.facts["script"]["name"]
        frame = sys._current_frames().get(threading.main_thread().ident)
        frames = traceback.extract_stack(frame)
        return "".join(traceback.format_list([one for one in frames if one.filename == name]))

    def run_script(self):
        """Runs the script's text with the names."""
        script = self.facts["script"]
        code = self.compile(script["text"], script["name"])
        if "t" not in self.namespace and uses(code, "t"):
            self.namespace["t"] = assertion_tester()
        if uses(code, "machine"):
            self.driver._warn_of_other_name(script["text"], script["name"])
        exec(code, self.namespace)

    def compile(self, text, name):
        """Compiles a script, so that tracebacks show its lines."""
        import linecache

        lines = text.splitlines(keepends=True)
        linecache.cache[name] = (len(text), None, lines, name)
        return compile(text, name, "exec", dont_inherit=True)

    def format(self, exception):
        """A traceback without the frames of this package."""
        import traceback

        from .errors import MachineError, RequestedAssertionFailed

        own = isinstance(exception, (MachineError, RequestedAssertionFailed))
        name = self.facts["script"]["name"]
        described = traceback.TracebackException.from_exception(exception)
        seen = set()

        def clean(one):
            if one is None or id(one) in seen:
                return
            seen.add(id(one))
            frames = [
                frame
                for frame in one.stack
                if not is_own(frame.filename) and not (own and frame.filename != name)
            ]
            one.stack = traceback.StackSummary.from_list(frames)
            clean(one.__cause__)
            clean(one.__context__)
            for other in getattr(one, "exceptions", None) or ():
                clean(other)

        clean(described)
        text = "".join(described.format())
        for module in ("errors", "polling_condition", "machine.qmp"):
            text = text.replace(f"\ntest_driver.{module}.", "\n")
        return text.rstrip("\n")

    def show_end_of_thread(self, ended):
        """Reports the exception that has ended a thread of the script."""
        if ended.exc_type is SystemExit or sys.stderr is None:
            return
        from ._harmless import harmless

        name = "?" if ended.thread is None else ended.thread.name
        exception = ended.exc_value or ended.exc_type()
        text = f"Exception in thread {name}:\n{self.format(exception)}\n"
        sys.stderr.write(harmless(text))
        sys.stderr.flush()

    # For a prompt: the driver reads lines, and this process runs them.

    @contextmanager
    def enter_prompt(self, namespace):
        """Runs lines with these names while this is entered."""
        self.prompts.append(self.console(namespace))
        try:
            yield
        finally:
            self.prompts.pop()

    def console(self, namespace):
        """An interactive console with some names."""
        import code

        session = self

        class Console(code.InteractiveConsole):
            def write(self, data):
                from ._harmless import harmless

                super().write(harmless(data))

            def showtraceback(self):
                exception = sys.exc_info()[1]
                if isinstance(exception, KeyboardInterrupt):
                    self.write("KeyboardInterrupt\n")
                else:
                    # The first frame is that of the console.
                    exception.__traceback__ = exception.__traceback__.tb_next
                    self.write(session.format(exception) + "\n")

        namespace.setdefault("__name__", "__console__")
        return Console(namespace, filename="<prompt>")

    def prompt(self):
        """The innermost prompt; by default, one with the script's names."""
        if not self.prompts:
            self.namespace.setdefault("t", assertion_tester())
            self.prompts.append(self.console(self.namespace))
        return self.prompts[-1]

    def push(self, line):
        """Takes one more line. Returns whether the statement goes on."""
        import builtins

        before, builtins.input = builtins.input, self.input
        try:
            return self.prompt().push(line)
        finally:
            builtins.input = before

    def input(self, prompt=""):
        """Asks for a line at the prompt: the driver has the terminal."""
        line = self.link.request("input", prompt=str(prompt))
        if line is None:
            raise EOFError
        return line

    def push_captured(self, line):
        """The same. Returns the output, too."""
        from contextlib import redirect_stderr, redirect_stdout
        from io import StringIO

        printed = StringIO()
        with redirect_stdout(printed), redirect_stderr(printed):
            more = self.push(line)
        return [more, printed.getvalue()]

    def reset(self):
        """Drops the lines of a statement that has not ended."""
        self.prompt().resetbuffer()

    def complete(self, text):
        """The completions of a name, or of an attribute."""
        from rlcompleter import Completer

        completer = Completer(self.prompt().locals)
        found = []
        while True:
            one = completer.complete(text, len(found))
            if one is None or len(found) >= 1000:
                return found
            found.append(one)


def uses(code, name):
    """Whether some part of a script may use a name."""
    if name in code.co_names or {"globals", "eval", "exec"} & set(code.co_names):
        return True
    return any(uses(part, name) for part in code.co_consts if hasattr(part, "co_names"))


def is_own(filename):
    """Whether a file belongs to this package."""
    path = os.path.abspath(filename)
    return path.startswith(_here + os.sep) or os.path.basename(path) == "contextlib.py"


def main():
    """Connects to the driver, and runs its tasks until the driver ends that."""
    path, name, directory = sys.argv[1:4]
    # The modules of the script are not in this package's directory.
    sys.path[0:2] = [directory] if directory else []
    sys.argv[:] = [name]
    try:
        sys.stdout.reconfigure(line_buffering=True)
    except (AttributeError, ValueError):
        pass
    session = Session(path)
    threading.excepthook = session.show_end_of_thread
    while True:
        try:
            session.link.request("session", version=list(sys.version_info[:3]))
        except KeyboardInterrupt:
            continue
        break
    # The script's objects end now, while everything that they need still exists:
    # at the end of the process, the thread that listens to the driver would keep it.
    session.prompts.clear()
    if session.namespace is not None:
        session.namespace.clear()
