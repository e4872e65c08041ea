"""The virtual sockets that lead to the machines' ssh."""

from __future__ import annotations


class VsockPair:
    """The ends of a virtual socket, for QEMU and for the host."""

    def __init__(self, guest, host) -> None:
        from pathlib import Path

        self.guest = Path(guest)
        self.host = Path(host)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(guest={self.guest!r}, host={self.host!r})"


class VHostVsock(VsockPair):
    """The virtual socket of a machine."""

    def __init__(self, name: str, guest, host) -> None:
        super().__init__(guest, host)
        self.name = name


class VHostDeviceVsock:
    """All virtual sockets, in `sockets`, by machine."""

    def __init__(self, sockets) -> None:
        self.sockets = {
            name: VHostVsock(name, one["guest"], one["host"])
            for name, one in sockets.items()
        }
