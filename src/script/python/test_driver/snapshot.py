"""The state of machines at one moment."""

from __future__ import annotations

from contextlib import contextmanager

from ._link import enter_fork


class Snapshot:
    """The state of machines at one moment, from which they, and others, can go on."""

    def __init__(self, link, facts):
        self._link = link
        self._number = facts["snapshot"]
        self.machines = facts["machines"]

    def restore(self, keep_clock=False, own_memory=False):
        """Brings the machines back, in place."""
        self._link.request(
            "restoreSnapshot",
            snapshot=self._number,
            keepClock=bool(keep_clock),
            ownMemory=bool(own_memory),
        )

    @contextmanager
    def fork(self, keep_clock=False, own_memory=False):
        """Inside, the machines are those of a fork that begins here."""
        with self._forked(keep_clock, own_memory, wait=False):
            yield

    @contextmanager
    def _forked(self, keep_clock, own_memory, wait):
        fork = self._link.request(
            "fork",
            snapshot=self._number,
            keepClock=bool(keep_clock),
            ownMemory=bool(own_memory),
            wait=wait,
        )
        before = enter_fork(fork)
        error = None
        try:
            yield
        except (Exception, SystemExit) as exception:
            error = self._link.describe_end(exception)
            raise
        finally:
            enter_fork(before)
            # Only subtests wait for their forks.
            self._link.request(
                "endFork", ended=fork["fork"], error=error if wait else None
            )

    def close(self):
        """Removes its files, once no fork needs them."""
        self._link.request("endSnapshot", snapshot=self._number)

    def __enter__(self):
        return self

    def __exit__(self, kind, exception, traceback):
        self.close()

    def __repr__(self):
        return f"<Snapshot of {', '.join(self.machines)}>"
