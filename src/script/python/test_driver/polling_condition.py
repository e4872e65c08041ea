"""Conditions that have to stay true while the test goes on."""

from __future__ import annotations

from .duration import Preset, given_seconds, one_of

_INTERVAL = Preset(2.0)
_PATIENCE = Preset(900)


class PollingConditionError(Exception):
    """A condition that was entered did not hold."""


class PollingCondition:
    """A condition: entered as a context manager, or waited for."""

    def __init__(self, link, condition, seconds_interval=_INTERVAL, description=None):
        self.condition = condition
        self.seconds_interval = given_seconds(seconds_interval, "polling_condition")
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

    def wait(self, timeout_seconds=None, timeout=None):
        """Waits until the condition holds."""
        limit = one_of(
            "wait", "timeout_seconds", timeout_seconds, "timeout", timeout, _PATIENCE
        )
        self._ask("conditionWait", timeout=given_seconds(limit, "wait"))

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
