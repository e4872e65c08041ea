from pathlib import Path
from typing import Iterable, Optional, Union

from ._process import Process
from .faults import Capture, Fault
from .machine import MicroVmMachine, QemuMachine

class VLan:
    nr: int
    socket_dir: Path
    pid: int
    tap_name: str
    @property
    def process(self) -> Process: ...
    @property
    def plug_process(self) -> Process: ...
    def partition(
        self,
        *groups: Iterable[Union[QemuMachine, MicroVmMachine]],
        one_way: bool = False,
    ) -> Fault: ...
    def heal(self) -> None: ...
    def capture(self, name: Optional[str] = None) -> Capture: ...
    def stop(self) -> None: ...
