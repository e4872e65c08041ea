"""The older place of a machine's QMP session."""

from .machine.qmp import QMPAPIError, QMPSession

__all__ = ["QMPAPIError", "QMPSession"]
