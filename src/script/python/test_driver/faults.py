"""Faults that a test sets: links, networks, disks and time."""

from __future__ import annotations

from .duration import as_seconds


class Fault:
    """A fault that the test has set.

    It ends where it is healed or its `with` block ends, and else with its subtest or the
    script.
    """

    def __init__(self, link, facts):
        self._link = link
        self._number = facts["fault"]
        self.text = facts["text"]

    @property
    def is_over(self):
        """Whether it has ended."""
        return self._link.request("isFaultOver", fault=self._number)

    def heal(self):
        """Ends the fault, if it has not ended."""
        self._link.request("healFault", fault=self._number)

    def __enter__(self):
        return self

    def __exit__(self, kind, exception, traceback):
        self.heal()

    def __repr__(self):
        return f"<{type(self).__name__}: {self.text}>"


class Capture(Fault):
    """Frames that are written into a file."""

    def __init__(self, link, facts):
        from pathlib import Path

        super().__init__(link, facts)
        self.path = Path(facts["path"])


def fault_of(link, facts):
    """The fault of an answer of the driver's."""
    return (Capture if facts.get("path") is not None else Fault)(link, facts)


def _options(given):
    return {name: value for name, value in given.items() if value is not None}


def _seconds(duration):
    return None if duration is None else as_seconds(duration)


class _Part:
    """A part of a machine that can have faults."""

    def __init__(self, link, machine, kind, **place):
        self._link = link
        self._machine = machine
        self._kind = kind
        self._place = place

    def _ask(self, act, **options):
        return self._machine._ask(
            self._kind, **self._place, act=act, options=_options(options)
        )

    def _break(self, act, **options):
        return fault_of(self._link, self._ask(act, **options))


class Link(_Part):
    """A machine's link to a VLAN."""

    def __init__(self, link, machine, vlan):
        super().__init__(link, machine, "link", vlan=vlan.nr)

    def set(
        self,
        *,
        delay=None,
        jitter=None,
        loss=None,
        duplicate=None,
        reorder=None,
        corrupt=None,
        bandwidth=None,
        direction=None,
    ):
        """Sets what the link does to frames from now on; without settings, nothing."""
        return self._break(
            "set",
            delay=_seconds(delay),
            jitter=_seconds(jitter),
            loss=loss,
            duplicate=duplicate,
            reorder=reorder,
            corrupt=corrupt,
            bandwidth=bandwidth,
            direction=direction,
        )

    def down(self):
        """Pulls the cable."""
        return self._break("down")

    def up(self):
        """Plugs the cable in again."""
        self._ask("up")

    def counters(self):
        """Counters of the frames that were `sent` and `received`."""
        return self._ask("counters")

    def capture(self, name=None):
        """Writes the frames that the machine sends and receives to a file."""
        return self._break("capture", name=name)

    def __repr__(self):
        return f"<link of {self._machine.name!r} to VLAN {self._place['vlan']}>"


class Disk(_Part):
    """A disk of a machine that runs."""

    def __init__(self, link, machine, name):
        super().__init__(link, machine, "disk", disk=name)

    def throttle(self, *, bytes_per_second=None, operations_per_second=None):
        """Slows the disk down."""
        return self._break(
            "throttle",
            bytesPerSecond=bytes_per_second,
            operationsPerSecond=operations_per_second,
        )

    def fail(self, *, reads=False, writes=False, after=0):
        """Makes requests to the disk fail."""
        return self._break(
            "fail", reads=bool(reads), writes=bool(writes), after=as_seconds(after)
        )

    def detach(self):
        """Detaches the disk from the guest."""
        self._ask("detach")

    def cache_writes(self):
        """Lets a loss of power undo what the guest writes from now on and does not flush."""
        return self._break("cacheWrites")

    def __repr__(self):
        disk = self._place["disk"]
        name = "" if disk is None else f" {disk!r}"
        return f"<disk{name} of {self._machine.name!r}>"


def seconds_since_1970(moment):
    """A `datetime`, or seconds since 1970, as seconds."""
    timestamp = getattr(moment, "timestamp", None)
    return timestamp() if callable(timestamp) else moment

