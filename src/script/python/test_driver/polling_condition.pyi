from typing import Any, Callable, Optional, Protocol, overload

from .duration import Duration

class PollingConditionError(Exception): ...

class PollingCondition:
    condition: Callable[[], Any]
    description: str
    seconds_interval: float
    def check(self, force: bool = False) -> bool: ...
    def wait(self, timeout: Duration = 900) -> None: ...
    def __enter__(self) -> None: ...
    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None: ...

class PollingConditionProtocol(Protocol):
    @overload
    def __call__(
        self,
        fun_: Callable[[], Any],
        *,
        seconds_interval: Duration = 2.0,
        description: Optional[str] = None,
    ) -> PollingCondition: ...
    @overload
    def __call__(
        self,
        fun_: None = None,
        *,
        seconds_interval: Duration = 2.0,
        description: Optional[str] = None,
    ) -> Callable[[Callable[[], Any]], PollingCondition]: ...
