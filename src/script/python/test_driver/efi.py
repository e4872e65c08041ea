"""The variables of a machine's UEFI firmware."""

from __future__ import annotations

import uuid


class EfiGuid:
    """The owners of variables, by their names in EDK II."""

    gEdkiiVarErrorFlagGuid = uuid.UUID("04b37fe8-f6ae-480b-bdd5-37d98c5e89aa")
    gEfiAuthenticatedVariableGuid = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792")
    gEfiCertDbGuid = uuid.UUID("d9bee56e-75dc-49d9-b4d7-b534210f637a")
    gEfiCustomModeEnableGuid = uuid.UUID("c076ec0c-7028-4399-a072-71ee5c448b9f")
    gEfiGlobalVariableGuid = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
    gEfiIScsiInitiatorNameProtocolGuid = uuid.UUID(
        "59324945-ec44-4c0d-b1cd-9db139df070c"
    )
    gEfiImageSecurityDatabaseGuid = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")
    gEfiIp4Config2ProtocolGuid = uuid.UUID("5b446ed1-e30b-4faa-871a-3654eca36080")
    gEfiMemoryTypeInformationGuid = uuid.UUID("4c19049f-4137-4dd3-9c10-8b97a83ffdfa")
    gEfiSecureBootEnableDisableGuid = uuid.UUID("f0a30bc7-af08-4556-99c4-001009c93a44")
    gEfiSystemNvDataFvGuid = uuid.UUID("fff12b8d-7696-4c8b-a985-2747075b4f50")
    gEfiVendorKeysNvGuid = uuid.UUID("9073e4e0-60ec-4b6e-9903-4c223c260f3c")
    gIScsiConfigGuid = uuid.UUID("4b47d616-a8d6-4552-9d44-ccad2e0f4cf9")
    gMicrosoftVendorGuid = uuid.UUID("77fa9abd-0359-4d32-bd60-28f4e78f784b")
    gMtcVendorGuid = uuid.UUID("eb704011-1402-11d3-8e77-00a0c969723b")
    mBmHardDriveBootVariableGuid = uuid.UUID("fab7e9e1-39dd-4f2b-8408-e20e906cb6de")


_NAMES = {one: name for name, one in vars(EfiGuid).items() if isinstance(one, uuid.UUID)}


class EfiVariable:
    """A variable: `name` of `vendor_uuid`, with `data`."""

    class Flags:
        """Attributes, which can be combined."""

        NON_VOLATILE = 0x1
        BOOTSERVICE_ACCESS = 0x2
        RUNTIME_ACCESS = 0x4
        TIME_BASED_AUTHENTICATED_WRITE_ACCESS = 0x20

    class State:
        """The state of a variable."""

        VAR_HEADER_VALID_ONLY = 0x7F
        VAR_ADDED = 0x3F

    def __init__(self, vendor_uuid=None, name=None, data=None, state=None, flags=None):
        self.vendor_uuid = vendor_uuid
        self.name = name
        self.data = data
        # Whatever state a script gives, the variable is to exist.
        self.state = EfiVariable.State.VAR_ADDED
        self.flags = 0 if flags is None else flags
        self._timestamp = b""

    @property
    def vendorUUID(self):
        """`vendor_uuid` as it is in the store, with little-endian numbers."""
        return self.vendor_uuid and uuid.UUID(bytes=self.vendor_uuid.bytes_le)

    @vendorUUID.setter
    def vendorUUID(self, stored):
        self.vendor_uuid = uuid.UUID(bytes_le=stored.bytes)

    @property
    def nameLen(self):
        """The bytes of the name, with the final NUL."""
        return 2 * len(self.name) + 2

    @property
    def dataLen(self):
        """The bytes of the value."""
        return len(self.data)

    @property
    def isDeleted(self):
        """Whether it was deleted: never here."""
        return False

    @property
    def volatile(self):
        """Whether it ends with a reset."""
        return not self.flags & 0x1

    @property
    def boot_access(self):
        """Whether programs of the boot see it."""
        return bool(self.flags & 0x2)

    @property
    def runtime_access(self):
        """Whether the operating system sees it."""
        return bool(self.flags & 0x4)

    @property
    def hardware_error_record(self):
        """Whether it describes an error of the hardware."""
        return bool(self.flags & 0x8)

    @property
    def authenticated_write_access(self):
        """Whether a write needs a signature, in the older form."""
        return bool(self.flags & 0x10)

    @property
    def time_based_authenticated_write_access(self):
        """Whether a write needs a signature."""
        return bool(self.flags & 0x20)

    @property
    def append_write(self):
        """Whether a write appends to it."""
        return bool(self.flags & 0x40)

    def print(self):
        """Shows the variable."""
        print(self)

    def __repr__(self):
        return (
            f"<EfiVariable {self.name!r} of {_name_of(self.vendor_uuid)}: "
            f"flags 0x{self.flags:x}, data {self.data!r}>"
        )

    @classmethod
    def _read(cls, told):
        one = cls(
            uuid.UUID(told["guid"]),
            told["name"],
            bytes.fromhex(told["data"]),
            flags=told["attributes"],
        )
        one._timestamp = bytes.fromhex(told["timestamp"])
        return one

    def _told(self):
        for name in ("vendor_uuid", "name", "data"):
            if getattr(self, name) is None:
                raise TypeError(f"an EFI variable needs a {name}, and {self!r} has none")
        return {
            "guid": str(self.vendor_uuid),
            "name": self.name,
            "data": bytes(self.data).hex(),
            "attributes": self.flags,
            "timestamp": self._timestamp.hex(),
        }


class EfiVariables(list):
    """All variables; those of an owner by name, under `["gEfi…Guid"]`."""

    def _by_vendor(self):
        vendors = {}
        for one in self:
            vendors.setdefault(_name_of(one.vendor_uuid), {})[one.name] = one
        return vendors

    def __getitem__(self, key):
        return self._by_vendor()[key] if isinstance(key, str) else super().__getitem__(key)

    def __contains__(self, key):
        return key in self._by_vendor() if isinstance(key, str) else super().__contains__(key)

    def get(self, key, default=None):
        """The variables of an owner, by name."""
        return self._by_vendor().get(key, default)

    def keys(self):
        """The owners."""
        return self._by_vendor().keys()

    def values(self):
        """The variables of each owner, by name."""
        return self._by_vendor().values()

    def items(self):
        """Both."""
        return self._by_vendor().items()


class EfiVars:
    """The store of a machine's variables."""

    def __init__(self, state_path, machine):
        self.state_path = state_path
        self.machine = machine

    def read_content(self):
        """All variables, or None if there is no store."""
        found = self.machine._ask("efiRead")
        return None if found is None else EfiVariables(map(EfiVariable._read, found))

    def create_empty(self):
        """Makes the store."""
        self.machine._ask("efiCreate")

    def write(self, add):
        """Adds variables, or changes existing ones."""
        self.machine._ask("efiWrite", variables=[one._told() for one in add])


def _name_of(guid):
    return _NAMES.get(guid, str(guid))
