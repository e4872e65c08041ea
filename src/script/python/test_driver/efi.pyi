from pathlib import Path
from typing import Any, Dict, ItemsView, Iterable, KeysView, List, Optional, ValuesView, overload
from uuid import UUID

class EfiGuid:
    gEdkiiVarErrorFlagGuid: UUID
    gEfiAuthenticatedVariableGuid: UUID
    gEfiCertDbGuid: UUID
    gEfiCustomModeEnableGuid: UUID
    gEfiGlobalVariableGuid: UUID
    gEfiIScsiInitiatorNameProtocolGuid: UUID
    gEfiImageSecurityDatabaseGuid: UUID
    gEfiIp4Config2ProtocolGuid: UUID
    gEfiMemoryTypeInformationGuid: UUID
    gEfiSecureBootEnableDisableGuid: UUID
    gEfiSystemNvDataFvGuid: UUID
    gEfiVendorKeysNvGuid: UUID
    gIScsiConfigGuid: UUID
    gMicrosoftVendorGuid: UUID
    gMtcVendorGuid: UUID
    mBmHardDriveBootVariableGuid: UUID

class EfiVariable:
    class Flags:
        NON_VOLATILE: int
        BOOTSERVICE_ACCESS: int
        RUNTIME_ACCESS: int
        TIME_BASED_AUTHENTICATED_WRITE_ACCESS: int

    class State:
        VAR_HEADER_VALID_ONLY: int
        VAR_ADDED: int

    vendor_uuid: UUID
    vendorUUID: UUID
    name: str
    data: bytes
    state: int
    flags: int
    def __init__(
        self,
        vendor_uuid: Optional[UUID] = None,
        name: Optional[str] = None,
        data: Optional[bytes] = None,
        state: Optional[int] = None,
        flags: Optional[int] = None,
    ) -> None: ...
    @property
    def nameLen(self) -> int: ...
    @property
    def dataLen(self) -> int: ...
    @property
    def isDeleted(self) -> bool: ...
    @property
    def volatile(self) -> bool: ...
    @property
    def boot_access(self) -> bool: ...
    @property
    def runtime_access(self) -> bool: ...
    @property
    def hardware_error_record(self) -> bool: ...
    @property
    def authenticated_write_access(self) -> bool: ...
    @property
    def time_based_authenticated_write_access(self) -> bool: ...
    @property
    def append_write(self) -> bool: ...
    def print(self) -> None: ...

class EfiVariables(List[EfiVariable]):
    @overload  # type: ignore[override]
    def __getitem__(self, key: str) -> Dict[str, EfiVariable]: ...
    @overload
    def __getitem__(self, key: int) -> EfiVariable: ...
    def get(self, key: str, default: Any = None) -> Any: ...
    def keys(self) -> KeysView[str]: ...
    def values(self) -> ValuesView[Dict[str, EfiVariable]]: ...
    def items(self) -> ItemsView[str, Dict[str, EfiVariable]]: ...

class EfiVars:
    state_path: Path
    machine: Any
    def __init__(self, state_path: Path, machine: Any) -> None: ...
    def read_content(self) -> EfiVariables: ...
    def create_empty(self) -> None: ...
    def write(self, add: Iterable[EfiVariable]) -> None: ...
