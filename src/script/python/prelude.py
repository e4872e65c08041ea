# Stands before a Python test script while its types are checked: what the driver binds for it.
import os
from collections.abc import Callable
from unittest import TestCase

from test_driver.debug import DebugAbstract
from test_driver.driver import (
    CreateMachine,
    Driver,
    DumpMachineSsh,
    Subtest,
    TakeSnapshot,
)
from test_driver.logger import AbstractLogger
from test_driver.machine import BaseMachine, CloudHypervisorMachine, Machine, MicroVmMachine, NspawnMachine, QemuMachine, Retry
from test_driver.polling_condition import PollingConditionProtocol
from test_driver.vlan import VLan

start_all: Callable[[], None]
join_all: Callable[[], None]
test_script: Callable[[], None]
run_tests: Callable[[], None]
machines: list[QemuMachine]
machines_qemu: list[QemuMachine]
machines_nspawn: list[NspawnMachine]
vlans: list[VLan]
driver: Driver
log: AbstractLogger
create_machine: CreateMachine
snapshot: TakeSnapshot
subtest: Subtest
retry: Retry
serial_stdout_on: Callable[[], None]
serial_stdout_off: Callable[[], None]
polling_condition: PollingConditionProtocol
debug: DebugAbstract
dump_machine_ssh: DumpMachineSsh
t: TestCase

# The test's own machines and networks, and then the script, follow.
