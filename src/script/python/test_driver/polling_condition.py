"""Conditions that have to stay true while the test goes on."""

from __future__ import annotations

from .duration import as_seconds


class PollingConditionError(Exception):
    """A condition that was entered did not hold."""


class PollingCondition:
    """A condition: entered as a context manager, or waited for."""

    def __init__(self, link, condition, seconds_interval=2.0, description=None):
        self.condition = condition
        self.seconds_interval = as_seconds(seconds_interval)
        if description is not None:
            self.description = str(description)
        else:
            self.description = condition.__doc__ or getattr(
                condition, "__name__", repr(condition)
            )
        self._link = link
        self._number = None

    def check(self, force=False):
        """Whether the condition holds now. One that raises does not."""
        try:
            result = self.condition()
        except Exception:
            return False
        return result is None or bool(result)

    def wait(self, timeout=900):
        """Waits until the condition holds."""
        self._ask("conditionWait", timeout=as_seconds(timeout))

    def __enter__(self):
        self._ask("conditionEnter")

    def __exit__(self, exc_type, exc_value, traceback):
        self._ask("conditionExit")

    def _ask(self, do, **words):
        if self._number is None:
            self._number = len(_conditions)
            _conditions.append(self)
        self._link.request(
            do,
            condition=self._number,
            interval=self.seconds_interval,
            description=self.description,
            **words,
        )


_conditions: list = []


def check(number):
    """Checks a condition for the driver."""
    return _conditions[number].check(force=True)
