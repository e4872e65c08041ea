from typing import Any, Callable, Optional, Protocol, overload

from .duration import Duration

class PollingConditionError(Exception): ...

class PollingCondition:
    condition: Callable[[], Any]
    description: str
    seconds_interval: float
    def check(self, force: bool = False) -> bool: ...
    def wait(
        self,
        timeout_seconds: Optional[Duration] = None,
        timeout: Optional[Duration] = None,
    ) -> None: ...
    def __enter__(self) -> None: ...
    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None: ...

class PollingConditionProtocol(Protocol):
    @overload
    def __call__(
        self,
        fun_: Callable[[], Any],
        *,
        seconds_interval: Optional[Duration] = None,
        interval: Optional[Duration] = None,
        description: Optional[str] = None,
    ) -> PollingCondition: ...
    @overload
    def __call__(
        self,
        fun_: None = None,
        *,
        seconds_interval: Optional[Duration] = None,
        interval: Optional[Duration] = None,
        description: Optional[str] = None,
    ) -> Callable[[Callable[[], Any]], PollingCondition]: ...
