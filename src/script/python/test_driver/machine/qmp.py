"""A machine's QMP session, which the driver holds."""

from __future__ import annotations

from ..duration import as_seconds


class QMPAPIError(RuntimeError):
    """QEMU answered a command with an error."""

    def __init__(self, message, class_name=None, description=None):
        super().__init__(message)
        self.class_name = class_name
        self.description = description
        self.transaction_id = None


class QMPSession:
    """Commands and events of one machine."""

    def __init__(self, machine) -> None:
        self._machine = machine

    def send(self, cmd, args={}):
        """Sends a command. Returns QEMU's whole answer, with the result in `return`."""
        return {"return": self._machine._ask("qmpSend", command=cmd, args=dict(args))}

    def wait_for_event(self, timeout=10):
        """The next event that nobody has taken yet."""
        event = self._machine._ask("qmpNext", timeout=as_seconds(timeout))
        if event is None:
            raise TimeoutError(f"no QMP event came in {as_seconds(timeout)} seconds")
        return event

    def events(self, timeout=10):
        """The events that came and that nobody has taken yet."""
        while True:
            event = self._machine._ask("qmpNext", timeout=0)
            if event is None:
                return
            yield event

    def close(self):
        """Nothing: the session ends with the machine."""
