"""Breakpoints."""

from __future__ import annotations

import sys


class DebugAbstract:
    """What the name `debug` stands for."""

    def breakpoint(self, host="127.0.0.1", port=4444):
        """Stops the script here, where somebody is there to look."""


class DebugNop(DebugAbstract):
    """Never stops."""


class Debug(DebugAbstract):
    """Stops where the driver has a prompt to offer."""

    def __init__(self, link, enter) -> None:
        self._link = link
        self._enter = enter

    def breakpoint(self, host="127.0.0.1", port=4444):
        """Stops the script here, where somebody is there to look."""
        frame = sys._getframe(1)
        self._stop("breakpoint", frame, frame.f_lineno, host=host, port=port)

    def _failed(self, frame, line, failure):
        """Stops a script that has failed, where somebody asked for that."""
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
