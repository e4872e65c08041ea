"""The configuration file of a test."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path


class _Configuration:
    """The values of the file, by their names."""

    def __init__(self, **values) -> None:
        for name in self.__annotations__:
            if name in values:
                setattr(self, name, values.pop(name))
            elif not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} expects {name}, got none")
        # The next version of the framework may write more values.
        self.__dict__.update(values)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({values})"

    def __eq__(self, other) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)


class MachineConfiguration(_Configuration):
    """A machine."""

    name: str
    start_script: Path

    def __init__(self, **values) -> None:
        super().__init__(**values)
        self.start_script = Path(self.start_script)


class QemuMachineConfiguration(MachineConfiguration):
    """A virtual machine."""

    __annotations__ = MachineConfiguration.__annotations__


class NspawnMachineConfiguration(MachineConfiguration):
    """A container."""

    __annotations__ = MachineConfiguration.__annotations__


class DriverConfiguration(_Configuration):
    """The whole configuration."""

    vms: dict = {}
    containers: dict = {}
    vlans: list = []
    global_timeout: object = None
    enable_ssh_backdoor: bool = False
    test_script: object = None

    def __init__(self, **values) -> None:
        super().__init__(**values)
        self.vms = _machines(self.vms, QemuMachineConfiguration)
        self.containers = _machines(self.containers, NspawnMachineConfiguration)
        self.vlans = list(self.vlans)
        if isinstance(self.global_timeout, (int, float)):
            self.global_timeout = timedelta(seconds=self.global_timeout)
        if self.test_script is not None:
            self.test_script = Path(self.test_script)


def load_driver_configuration(file_path) -> DriverConfiguration:
    """Reads a configuration file."""
    import json

    with open(file_path, encoding="utf-8") as file:
        return DriverConfiguration(**json.load(file))


def _machines(given, kind):
    return {
        key: value
        if isinstance(value, MachineConfiguration)
        else kind(**{"name": key, **value})
        for key, value in given.items()
    }
