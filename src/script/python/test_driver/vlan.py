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
                f"{self.tap_name} does the same by hand"
            )
        return self._process(self._plug_pid, ["vde_plug2tap", self.tap_name])

    def _process(self, pid, args):
        if pid not in self._processes:
            from ._process import Process

            self._processes[pid] = Process(pid, args)
        return self._processes[pid]

    def partition(self, *groups, one_way=False):
        """Parts the network: machines of different groups don't hear each other."""
        from .faults import fault_of

        facts = self._link.request(
            "partition",
            nr=self.nr,
            groups=[[machine.name for machine in group] for group in groups],
            oneWay=bool(one_way),
        )
        return fault_of(self._link, facts)

    def heal(self) -> None:
        """Ends all partitions of the network."""
        self._link.request("healVlan", nr=self.nr)

    def capture(self, name=None):
        """Writes all frames that pass the switch into a file."""
        from .faults import fault_of

        return fault_of(
            self._link, self._link.request("captureVlan", nr=self.nr, name=name)
        )

    def stop(self) -> None:
        """Ends the network."""
        self._link.request("stopVlan", nr=self.nr)

    def __repr__(self) -> str:
        return f"<Vlan Nr. {self.nr}>"
