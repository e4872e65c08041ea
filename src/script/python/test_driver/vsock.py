"""The virtual sockets that lead to the machines' ssh."""

from __future__ import annotations


class VHostVsock:
    """A machine's virtual socket: what QEMU, and what the host connects to."""

    def __init__(self, name: str, guest: str, host: str) -> None:
        from pathlib import Path

        self.name = name
        self.guest = Path(guest)
        self.host = Path(host)


class VHostDeviceVsock:
    """All of them, in `sockets`, by machine."""

    def __init__(self, sockets) -> None:
        self.sockets = {
            name: VHostVsock(name, one["guest"], one["host"])
            for name, one in sockets.items()
        }
