import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Protocol, Sequence, Type, Union
from unittest import TestCase

from .config import DriverConfiguration
from .debug import DebugAbstract
from .logger import AbstractLogger
from .machine import BaseMachine, NspawnMachine, QemuMachine
from .polling_condition import PollingCondition, PollingConditionProtocol
from .snapshot import Snapshot
from .vlan import VLan
from .vsock import VHostDeviceVsock

_Path = Union[str, "os.PathLike[str]"]

class AssertionTester(TestCase):
    failureException: Type[BaseException]

def assertion_tester() -> AssertionTester: ...
def get_tmp_dir() -> Path: ...
def in_nix_sandbox() -> bool: ...
def pythonize_name(name: str) -> str: ...

class CreateMachine(Protocol):
    def __call__(
        self,
        start_command: _Path,
        *,
        name: Optional[str] = None,
        keep_machine_state: bool = False,
        keep_vm_state: bool = False,
        fast_forward: bool = False,
    ) -> QemuMachine: ...

class TakeSnapshot(Protocol):
    def __call__(
        self,
        name: Optional[str] = None,
        machines: Optional[Sequence[BaseMachine]] = None,
        keep: bool = False,
        prepare: Optional[Callable[[], object]] = None,
    ) -> Snapshot: ...

class Subtest(Protocol):
    def __call__(
        self,
        name: str,
        from_: Optional[Snapshot] = None,
        keep_clock: bool = False,
        own_memory: bool = False,
    ) -> AbstractContextManager[Any]: ...

class DumpMachineSsh(Protocol):
    def __call__(self, offset: int = 0) -> None: ...

class Driver:
    tests: str
    out_dir: Path
    global_timeout: Optional[float]
    interactive: bool
    keep_machine_state: bool
    keep_vm_state: bool
    logger: AbstractLogger
    debug: DebugAbstract
    vlans: List[VLan]
    vhost_vsock: VHostDeviceVsock
    machines_qemu: List[QemuMachine]
    machines_nspawn: List[NspawnMachine]
    polling_conditions: List[PollingCondition]
    polling_condition: PollingConditionProtocol
    @property
    def config(self) -> DriverConfiguration: ...
    @property
    def machines(self) -> List[BaseMachine]: ...
    def start_all(self) -> None: ...
    def join_all(self) -> None: ...
    def test_script(self) -> None: ...
    def run_tests(self) -> None: ...
    def create_machine(
        self,
        start_command: _Path,
        *,
        name: Optional[str] = None,
        keep_machine_state: bool = False,
        keep_vm_state: bool = False,
        fast_forward: bool = False,
    ) -> QemuMachine: ...
    def snapshot(
        self,
        name: Optional[str] = None,
        machines: Optional[Sequence[BaseMachine]] = None,
        keep: bool = False,
        prepare: Optional[Callable[[], object]] = None,
    ) -> Snapshot: ...
    def subtest(
        self,
        name: str,
        from_: Optional[Snapshot] = None,
        keep_clock: bool = False,
        own_memory: bool = False,
        *,
        keep_going: Optional[bool] = None,
    ) -> AbstractContextManager[None]: ...
    def serial_stdout_on(self) -> None: ...
    def serial_stdout_off(self) -> None: ...
    def dump_machine_ssh(self, offset: int = 0) -> None: ...
    def test_symbols(self) -> Dict[str, Any]: ...
