"""Breakpoints."""

from __future__ import annotations

import sys


class DebugAbstract:
    """The class of `debug`."""

    def breakpoint(self, host="127.0.0.1", port=4444):
        """Stops the script here, if a person can look at it."""


class DebugNop(DebugAbstract):
    """Never stops."""


class Debug(DebugAbstract):
    """Stops if the driver can open a prompt."""

    def __init__(self, link, enter) -> None:
        self._link = link
        self._enter = enter

    def breakpoint(self, host="127.0.0.1", port=4444):
        """Stops the script here, if a person can look at it."""
        frame = sys._getframe(1)
        self._stop("breakpoint", frame, frame.f_lineno, host=host, port=port)

    def _failed(self, frame, line, failure):
        """Stops a script that has failed, if the run has that option."""
        self._stop("failed", frame, line, failure=failure)

    def _stop(self, do, frame, line, host="127.0.0.1", port=4444, **words):
        if frame.f_locals is frame.f_globals:
            namespace = frame.f_globals
        else:
            namespace = {**frame.f_globals, **frame.f_locals}
        with self._enter(namespace):
            self._link.request(
                do,
                file=frame.f_code.co_filename,
                line=line,
                host=str(host),
                port=port,
                **words,
            )
