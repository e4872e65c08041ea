# What is the same for all that runs in the lab's machine. Read by its shell.
export PATH=/cargo:$PATH DENO_DIR=/cargo/modules DENO_NO_UPDATE_CHECK=1 NO_COLOR=1
# The screen's kernel messages go character by character through QEMU.
export QEMU_KERNEL_PARAMS=quiet
# The hypervisors that were brought along.
for program in firecracker cloud-hypervisor; do
  [ ! -x "/cargo/$program" ] || case $program in
    firecracker) export VMWRIGHT_FIRECRACKER=/cargo/$program ;;
    *) export VMWRIGHT_CLOUD_HYPERVISOR=/cargo/$program ;;
  esac
done
[ ! -d /cargo/classic-driver ] || export VMWRIGHT_CLASSIC_DRIVER=/cargo/classic-driver
