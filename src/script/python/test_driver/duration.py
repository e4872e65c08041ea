"""Durations: `datetime.timedelta`, or numbers of seconds."""

from __future__ import annotations


def as_seconds(duration: object) -> float:
    """A duration in seconds."""
    if isinstance(duration, bool):
        raise TypeError(f"expected a duration, got bool: {duration!r}")
    if isinstance(duration, (int, float)):
        return duration
    # A script with a timedelta has imported datetime already.
    total = getattr(duration, "total_seconds", None)
    if callable(total):
        return total()
    raise TypeError(
        "expected a duration as timedelta, int or float, "
        f"got {type(duration).__name__}: {duration!r}"
    )


class Preset(float):
    """A default in seconds, if a script gives no duration."""


def given_seconds(duration: object, taker: str) -> float:
    """A script's duration in seconds. A bare number causes a warning, once a function."""
    seconds = as_seconds(duration)
    if isinstance(duration, (int, float)) and not isinstance(duration, Preset):
        from ._warnings import warn_once

        warn_once(
            f"{taker}(): a bare number as a duration is deprecated; "
            "use datetime.timedelta instead"
        )
    return seconds


def one_of(taker: str, older: str, old: object, newer: str, new: object, preset=None):
    """The given one of two spellings of a duration."""
    if old is not None and new is not None:
        raise TypeError(f"{taker}() takes {older} or {newer}, and not both")
    if new is not None:
        return new
    return preset if old is None else old


def as_timedelta(duration: object):
    """A duration as `datetime.timedelta`."""
    from datetime import timedelta

    return timedelta(seconds=as_seconds(duration))


def __getattr__(name: str):
    if name != "Duration":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from datetime import timedelta
    from typing import Union

    return Union[timedelta, int, float]
