from pathlib import Path

from ._process import Process

class VLan:
    nr: int
    socket_dir: Path
    pid: int
    tap_name: str
    @property
    def process(self) -> Process: ...
    @property
    def plug_process(self) -> Process: ...
    def stop(self) -> None: ...
