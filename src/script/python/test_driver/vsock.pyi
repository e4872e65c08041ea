import os
from pathlib import Path
from typing import Dict, Union

_Path = Union[str, "os.PathLike[str]"]

class VsockPair:
    guest: Path
    host: Path
    def __init__(self, guest: _Path, host: _Path) -> None: ...

class VHostVsock(VsockPair):
    name: str
    def __init__(self, name: str, guest: _Path, host: _Path) -> None: ...

class VHostDeviceVsock:
    sockets: Dict[str, VHostVsock]
