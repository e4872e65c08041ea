"""The class of `driver`, and the functions `start_all` and so on."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager

from .duration import as_seconds, one_of
from .machine import (
    BaseMachine,
    CloudHypervisorMachine,
    MicroVmMachine,
    NspawnMachine,
    QemuMachine,
    class_of,
    retry,
)
from .polling_condition import _INTERVAL, PollingCondition
from .snapshot import Snapshot
from ._warnings import warn_once
from .vlan import VLan
from .vsock import VHostDeviceVsock

_tester = None


def assertion_tester():
    """A `unittest.TestCase` whose failures are assertions of the test."""
    global _tester
    if _tester is None:
        from unittest import TestCase

        from .errors import RequestedAssertionFailed

        class AssertionTester(TestCase):
            """A test case that only provides assertions."""

            failureException = RequestedAssertionFailed
            maxDiff = None

        _tester = AssertionTester()
    return _tester


def __getattr__(name):
    if name == "AssertionTester":
        return type(assertion_tester())
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get_tmp_dir():
    """The directory above those of all machines."""
    from pathlib import Path
    from tempfile import gettempdir

    return Path(os.environ.get("XDG_RUNTIME_DIR") or gettempdir())


def in_nix_sandbox():
    """Whether this is a build of Nix's."""
    return "NIX_BUILD_TOP" in os.environ


def pythonize_name(name):
    """Turns a name into an identifier: all other characters become `_`."""
    return re.sub(r"^[^A-Za-z_]|[^A-Za-z0-9_]", "_", name)


def _first_use(text, script, name):
    """The line where a script uses a name that it has not made itself, if any."""
    import ast
    import symtable

    used = False
    tables = [symtable.symtable(text, script, "exec")]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        symbol = table.lookup(name) if name in table.get_identifiers() else None
        if symbol is None or not (symbol.is_global() or table.get_type() == "module"):
            continue
        if symbol.is_assigned() or symbol.is_imported():
            return None
        used = used or symbol.is_referenced()
    found = [
        node.lineno
        for node in (ast.walk(ast.parse(text, script)) if used else ())
        if isinstance(node, ast.Name) and node.id == name
    ]
    return min(found, default=None)


class Driver:
    """The machines and networks of the test."""

    def __init__(self, link, logger, debug, facts):
        from pathlib import Path

        self._link = link
        self._script = None
        self.logger = logger
        self.debug = debug
        self.tests = facts["script"]["text"]
        self.out_dir = Path(facts["outDir"])
        self.global_timeout = facts["globalTimeout"]
        self.polling_conditions = []
        self.interactive = facts["interactive"]
        self.keep_machine_state = self.keep_vm_state = facts["keepState"]
        self._script_name = facts["script"]["name"]
        self.vlans = [VLan(link, vlan) for vlan in facts["vlans"]]
        for vlan in self.vlans:
            os.environ[f"QEMU_VDE_SOCKET_{vlan.nr}"] = str(vlan.socket_dir)
        self.vhost_vsock = None
        if facts["vsocks"]:
            self.vhost_vsock = VHostDeviceVsock(facts["vsocks"])
        made = [
            class_of(machine["backend"])(link, logger, machine)
            for machine in facts["machines"]
        ]
        self.machines_qemu = [one for one in made if isinstance(one, QemuMachine)]
        self.machines_nspawn = [one for one in made if isinstance(one, NspawnMachine)]
        self._microvms = [one for one in made if isinstance(one, MicroVmMachine)]
        for machine in self.machines_qemu if self.vhost_vsock else []:
            socket = self.vhost_vsock.sockets.get(machine.name)
            machine.vsock_host = socket and socket.host
            machine.vsock_guest = socket and socket.guest

    @property
    def config(self):
        """The configuration of the test."""
        from .config import DriverConfiguration

        def described(machines):
            return {
                one.name: {"name": one.name, "start_script": str(one.start_command)}
                for one in machines
            }

        return DriverConfiguration(
            vms=described(self.machines_qemu),
            containers=described(self.machines_nspawn),
            vlans=[vlan.nr for vlan in self.vlans],
            global_timeout=self.global_timeout,
            enable_ssh_backdoor=self.vhost_vsock is not None,
            test_script=self._script_name,
        )

    @property
    def machines(self):
        """All machines, by name."""
        machines = self.machines_qemu + self.machines_nspawn + self._microvms
        return sorted(machines, key=lambda machine: machine.name)

    def start_all(self):
        """Starts all machines, without waiting for their boots."""
        self._link.request("startAll")

    def join_all(self):
        """Waits until all machines have ended by themselves."""
        self._link.request("joinAll")

    def test_script(self):
        """Runs the test script."""
        with self.logger._whole_script("run the VM test script"):
            self._script()

    def run_tests(self):
        """Runs the test script, and lets the machines write to their disks."""
        self.test_script()
        for machine in self.machines:
            if machine.is_up():
                machine.execute("sync")

    def create_machine(
        self,
        start_command,
        *,
        name=None,
        keep_machine_state=False,
        keep_vm_state=False,
        fast_forward=False,
    ):
        """Makes one more machine, which ends with the driver."""
        if not isinstance(start_command, (str, os.PathLike)):
            raise TypeError(
                "expected a start command as a string, "
                f"got {type(start_command).__name__}"
            )
        facts = self._link.request(
            "createMachine",
            startCommand=os.fspath(start_command),
            name=name,
            keepState=bool(keep_machine_state or keep_vm_state),
            fastForward=bool(fast_forward),
        )
        return class_of(facts["backend"])(self._link, self.logger, facts)

    def snapshot(self, name=None, machines=None, keep=False, prepare=None):
        """Saves all machines that run, or some, at one moment.

        One that is kept is where later runs begin, and `prepare` is not called there.
        """
        words = {
            "name": None if name is None else str(name),
            "machines": None if machines is None else [one.name for one in machines],
            "keep": bool(keep),
        }
        facts = None
        if prepare is not None:
            if keep:
                facts = self._link.request("snapshot", isKept=True, **words)
            if facts is None:
                prepare()
        if facts is None:
            facts = self._link.request("snapshot", isKept=False, **words)
        return Snapshot(self._link, facts)

    @contextmanager
    def subtest(
        self, name, from_=None, keep_clock=False, own_memory=False, *, keep_going=None
    ):
        """Runs a part of the test, which is a test case in reports.

        With a snapshot, the machines inside are a fork's, which begins there.
        If it fails and keep_going is true, the script goes on after it, and fails at
        its end. By default, --keep-going decides.
        """
        with self.logger.subtest(name, keep_going=keep_going):
            if from_ is None:
                yield
                return
            if not isinstance(from_, Snapshot):
                raise TypeError(
                    f"expected a snapshot in from_, got {type(from_).__name__}"
                )
            with from_._forked(keep_clock, own_memory, wait=True):
                yield

    def polling_condition(
        self, fun_=None, *, seconds_interval=None, interval=None, description=None
    ):
        """Makes a condition of a function, with or without arguments."""
        pause = one_of(
            "polling_condition",
            "seconds_interval",
            seconds_interval,
            "interval",
            interval,
            _INTERVAL,
        )
        as_seconds(pause)

        def decorate(fun):
            return PollingCondition(self._link, fun, pause, description)

        return decorate if fun_ is None else decorate(fun_)

    def serial_stdout_on(self):
        """Shows the machines' serial consoles on the terminal."""
        self.logger.print_serial_logs(True)

    def serial_stdout_off(self):
        """Hides the machines' serial consoles on the terminal."""
        self.logger.print_serial_logs(False)

    def dump_machine_ssh(self, offset=0):
        """Prints how to connect to each machine by ssh."""
        for index, machine in enumerate(self.machines, start=offset + 1):
            print(f"    {machine.name}:  {machine.ssh_backdoor_command(index)}")

    def test_symbols(self):
        """All names that a test script sees. Its `t` is made when it is used."""
        symbols = self._symbols()
        for machine in self.machines:
            symbols[pythonize_name(machine.name)] = machine
        if len(self.machines) == 1:
            symbols["machine"] = self.machines[0]
        return symbols

    def _warn_of_hidden_names(self):
        """Warns about names that a machine takes from something else."""
        seen = {*self._symbols(), "t"}
        for machine in self.machines:
            name = pythonize_name(machine.name)
            if name in seen:
                self.logger.warning(
                    f"in the script, {name} is the machine, and hides the driver's {name}"
                )
            seen.add(name)

    def _warn_of_other_name(self, text, script):
        """Warns about a use of `machine` if that is not the only machine's name."""
        if len(self.machines) != 1:
            return
        name = pythonize_name(self.machines[0].name)
        line = None if name == "machine" else _first_use(text, script, "machine")
        if line is not None:
            warn_once(
                f"machine is deprecated for the only machine, {name}; use {name} instead",
                line,
                script,
            )

    def _symbols(self):
        symbols = {
            "start_all": self.start_all,
            "join_all": self.join_all,
            "test_script": self.test_script,
            "run_tests": self.run_tests,
            "machines": self.machines,
            "machines_qemu": self.machines_qemu,
            "machines_nspawn": self.machines_nspawn,
            "vlans": self.vlans,
            "driver": self,
            "log": self.logger,
            "os": os,
            "create_machine": self.create_machine,
            "subtest": self.subtest,
            "snapshot": self.snapshot,
            "retry": retry,
            "serial_stdout_on": self.serial_stdout_on,
            "serial_stdout_off": self.serial_stdout_off,
            "polling_condition": self.polling_condition,
            "BaseMachine": BaseMachine,
            "Machine": QemuMachine,
            "QemuMachine": QemuMachine,
            "NspawnMachine": NspawnMachine,
            "MicroVmMachine": MicroVmMachine,
            "CloudHypervisorMachine": CloudHypervisorMachine,
            "debug": self.debug,
            "dump_machine_ssh": self.dump_machine_ssh,
        }
        for vlan in self.vlans:
            symbols[f"vlan{vlan.nr}"] = vlan
        return symbols
