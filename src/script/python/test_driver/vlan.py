"""The networks between machines."""

from __future__ import annotations


class VLan:
    """A network; `nr` is its number."""

    def __init__(self, nr: int, socket_dir: str, pid: int) -> None:
        from pathlib import Path

        self.nr = nr
        self.socket_dir = Path(socket_dir)
        self.pid = pid

    def __repr__(self) -> str:
        return f"<Vlan Nr. {self.nr}>"
