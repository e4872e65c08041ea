from .machine.qmp import QMPAPIError as QMPAPIError
from .machine.qmp import QMPSession as QMPSession
