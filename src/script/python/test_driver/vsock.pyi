from pathlib import Path
from typing import Dict

class VHostVsock:
    name: str
    guest: Path
    host: Path

class VHostDeviceVsock:
    sockets: Dict[str, VHostVsock]
