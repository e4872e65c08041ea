from contextlib import AbstractContextManager
from types import TracebackType
from typing import List, Optional, Type

class Snapshot:
    machines: List[str]
    def restore(
        self, keep_clock: bool = False, own_memory: bool = False
    ) -> None: ...
    def fork(
        self, keep_clock: bool = False, own_memory: bool = False
    ) -> AbstractContextManager[None]: ...
    def close(self) -> None: ...
    def __enter__(self) -> "Snapshot": ...
    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        exception: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None: ...
