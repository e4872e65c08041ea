import os
from datetime import timedelta
from pathlib import Path
from typing import Any, Dict, List, Union

class MachineConfiguration:
    name: str
    start_script: Path
    def __init__(self, **values: Any) -> None: ...

class QemuMachineConfiguration(MachineConfiguration): ...
class NspawnMachineConfiguration(MachineConfiguration): ...

class DriverConfiguration:
    vms: Dict[str, QemuMachineConfiguration]
    containers: Dict[str, NspawnMachineConfiguration]
    vlans: List[int]
    global_timeout: timedelta
    enable_ssh_backdoor: bool
    test_script: Path
    def __init__(self, **values: Any) -> None: ...

def load_driver_configuration(
    file_path: Union[str, "os.PathLike[str]"],
) -> DriverConfiguration: ...
