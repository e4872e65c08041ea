# The variables of a firmware of UEFI.
import uuid

from test_driver.efi import EfiGuid, EfiVariable, EfiVars

vendor = uuid.UUID("65a72bd9-f42b-4039-8084-66cd1702cb24")
usual = (
    EfiVariable.Flags.NON_VOLATILE
    | EfiVariable.Flags.BOOTSERVICE_ACCESS
    | EfiVariable.Flags.RUNTIME_ACCESS
)

assert machine.read_efi_vars() is None
assert isinstance(machine.efi_vars, EfiVars)
assert machine.efi_vars_path == machine.state_dir / "machine-efi-vars.fd"
machine.create_efi_vars()
with t.assertRaisesRegex(Exception, "already"):
    machine.create_efi_vars()
given = EfiVariable(vendor_uuid=vendor, name="Given", data=b"\x2a", flags=usual)
machine.write_efi_vars([given])
(read,) = machine.read_efi_vars()
assert read.vendorUUID == uuid.UUID(bytes=vendor.bytes_le) and read.data == b"\x2a"
assert read.name == "Given" and not read.volatile and read.runtime_access
assert read.nameLen == 12 and read.dataLen == 1
read.print()

machine.copy_from_host_via_shell(machine.out_dir / "efivarfs.ko", "/tmp/efivarfs.ko")
machine.succeed(
    "insmod /tmp/efivarfs.ko; mount -t efivarfs efivarfs /sys/firmware/efi/efivars"
)
with t.assertRaisesRegex(AssertionError, "is running"):
    machine.read_efi_vars()
file = f"/sys/firmware/efi/efivars/Given-{vendor}"
assert machine.succeed(f"od -An -tx1 {file}").split()[-1] == "2a"
machine.succeed(f"chattr -i {file} || :; printf '\\007\\0\\0\\0\\053' > /tmp/new")
machine.succeed(f"cat /tmp/new > /sys/firmware/efi/efivars/Other-{vendor}")
machine.crash()

machine.dump_efi_vars()
found = machine.read_efi_vars()
assert found[str(vendor)]["Other"].data == b"\x2b", found
assert "gEfiGlobalVariableGuid" in found and "Timeout" in found["gEfiGlobalVariableGuid"]
assert found["gEfiGlobalVariableGuid"]["Timeout"].vendor_uuid == (
    EfiGuid.gEfiGlobalVariableGuid
)
