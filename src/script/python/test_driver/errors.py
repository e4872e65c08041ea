"""The errors that a test script can catch, under the names it knows."""


class MachineError(Exception):
    """A machine itself broke: its hypervisor ended, its guest died, a channel closed."""


class RequestedAssertionFailed(AssertionError):
    """What the test demanded did not hold: a command failed, a wait took too long."""


class TestScriptError(Exception):
    """The older base of the others' names; kept so that scripts can name it."""
