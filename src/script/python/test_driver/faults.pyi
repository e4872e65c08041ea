from pathlib import Path
from types import TracebackType
from typing import Dict, Literal, Optional, Type, TypeVar

from .duration import Duration

_Self = TypeVar("_Self", bound="Fault")

class Fault:
    text: str
    @property
    def is_over(self) -> bool: ...
    def heal(self) -> None: ...
    def __enter__(self: _Self) -> _Self: ...
    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        exception: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None: ...

class Capture(Fault):
    path: Path

class Link:
    def set(
        self,
        *,
        delay: Optional[Duration] = None,
        jitter: Optional[Duration] = None,
        loss: Optional[float] = None,
        duplicate: Optional[float] = None,
        reorder: Optional[float] = None,
        corrupt: Optional[float] = None,
        bandwidth: Optional[float] = None,
        direction: Optional[Literal["send", "receive", "both"]] = None,
    ) -> Fault: ...
    def down(self) -> Fault: ...
    def up(self) -> None: ...
    def counters(self) -> Dict[str, Dict[str, int]]: ...
    def capture(self, name: Optional[str] = None) -> Capture: ...

class Disk:
    def throttle(
        self,
        *,
        bytes_per_second: Optional[int] = None,
        operations_per_second: Optional[int] = None,
    ) -> Fault: ...
    def fail(
        self, *, reads: bool = False, writes: bool = False, after: Duration = 0
    ) -> Fault: ...
    def detach(self) -> None: ...
    def cache_writes(self) -> Fault: ...
