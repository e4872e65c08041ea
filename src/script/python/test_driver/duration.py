"""Durations: `datetime.timedelta`, or numbers of seconds."""

from __future__ import annotations


def as_seconds(duration: object) -> float:
    """A duration in seconds."""
    if isinstance(duration, bool):
        raise TypeError(f"expected a duration, got bool: {duration!r}")
    if isinstance(duration, (int, float)):
        return duration
    # Whoever has a timedelta has imported datetime; nobody else has to wait for it.
    total = getattr(duration, "total_seconds", None)
    if callable(total):
        return total()
    raise TypeError(
        "expected a duration as timedelta, int or float, "
        f"got {type(duration).__name__}: {duration!r}"
    )


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
