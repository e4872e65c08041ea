"""Warnings of the driver, at the line of the script that they are about."""

from __future__ import annotations

import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
_said: set = set()


def warn_once(text: str, line: int = 0, script: str = "") -> None:
    """Warns once in a run; by default at the script's current line."""
    if text in _said:
        return
    _said.add(text)
    import warnings

    frame = sys._getframe(1)
    while frame.f_back is not None and _is_own(frame.f_code.co_filename):
        frame = frame.f_back
    warnings.warn_explicit(
        text,
        UserWarning,
        script or frame.f_code.co_filename,
        line or frame.f_lineno,
        module=frame.f_globals.get("__name__", "<script>"),
    )


def _is_own(filename: str) -> bool:
    return os.path.abspath(filename).startswith(_here + os.sep)
