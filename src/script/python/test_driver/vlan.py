"""The networks between machines."""

from __future__ import annotations


class VLan:
    """A network; `nr` is its number."""

    def __init__(self, link, facts) -> None:
        from pathlib import Path

        self.nr = facts["nr"]
        self.socket_dir = Path(facts["socketDir"])
        self.pid = facts["pid"]
        self.tap_name = f"vde-tap{self.nr}"
        self._link = link
        self._plug_pid = facts["plugPid"]
        self._processes: dict = {}

    @property
    def process(self):
        """The switch."""
        return self._process(self.pid, ["vde_switch", "-s", str(self.socket_dir)])

    @property
    def plug_process(self):
        """The process of the switch's port on the host, for containers."""
        if self._plug_pid is None:
            raise AttributeError(
                f"vlan{self.nr} has no plug_process: only a test with containers plugs "
                f"the host into its networks; vde_plug2tap -s {self.socket_dir} "
                f"{self.tap_name} does by hand"
            )
        return self._process(self._plug_pid, ["vde_plug2tap", self.tap_name])

    def _process(self, pid, args):
        if pid not in self._processes:
            from ._process import Process

            self._processes[pid] = Process(pid, args)
        return self._processes[pid]

    def stop(self) -> None:
        """Ends the network."""
        self._link.request("stopVlan", nr=self.nr)

    def __repr__(self) -> str:
        return f"<Vlan Nr. {self.nr}>"
