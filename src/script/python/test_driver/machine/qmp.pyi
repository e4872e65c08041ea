from typing import Any, Dict, Iterator, Mapping, Optional

from ..duration import Duration

class QMPAPIError(RuntimeError):
    class_name: str
    description: str
    transaction_id: Optional[str]

class QMPSession:
    def send(self, cmd: str, args: Mapping[str, Any] = {}) -> Dict[str, Any]: ...
    def wait_for_event(self, timeout: Duration = 10) -> Dict[str, Any]: ...
    def events(self, timeout: Duration = 10) -> Iterator[Dict[str, Any]]: ...
    def close(self) -> None: ...
