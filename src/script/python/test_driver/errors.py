"""The errors that a test script can catch."""


class MachineError(Exception):
    """A machine itself broke: its hypervisor ended, its guest died, a channel closed."""


class RequestedAssertionFailed(AssertionError):
    """What the test demanded did not hold: a command failed, a wait took too long."""


class TestScriptError(Exception):
    """The older base class, which scripts may name."""
