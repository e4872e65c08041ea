#!/bin/sh
# Makes microVMs of Debian, for Firecracker and for Cloud Hypervisor:
#
#   sh examples/microvm/build.sh DIRECTORY
#   vmwright --start-scripts DIRECTORY/run-disk-firecracker.json -- test.ts
#
# The directory then has Debian's kernel for clouds (vmlinux), a root on a disk
# (root.ext4, with Debian's own initramfs to mount it), the same root as an
# initramfs alone (root.cpio), and start files of machines: `disk` has the disk,
# `ram` the initramfs. Takes mmdebstrap, e2fsprogs, cpio and lz4, and no root.
set -eu
for program in mmdebstrap cpio lz4; do
  command -v "$program" >/dev/null || missing="${missing:-} $program"
done
if [ -n "${missing:-}" ]; then
  echo "build.sh: missing programs:$missing" >&2
  exit 1
fi
here=$(cd -- "${0%/*}" && pwd)
mkdir -p -- "$1"
cd -- "$1"

# Each hook runs where the files' owners are Debian's, with the root as $1.
cat > hook.sh <<'HOOK'
set -eu
root=$1
install -m 755 "$here/vsock-shell" "$root/usr/local/sbin/"
install -m 644 "$here/vsock-shell.service" "$root/etc/systemd/system/"
chroot "$root" systemctl --quiet enable vsock-shell.service
chroot "$root" systemctl --quiet mask serial-getty@ttyS0.service
echo machine > "$root/etc/hostname"
rm -rf "$root/var/lib/apt/lists/"* "$root/var/cache/apt/"*
cat "$root"/boot/vmlinuz-* > vmlinuz
cat "$root"/boot/initrd.img-* > initramfs
rm -f "$root"/boot/* "$root/vmlinuz" "$root/initrd.img"*
# The kernel starts /init of an initramfs.
ln -sf sbin/init "$root/init"
# Without what is mounted below it.
mkdir tree
mount --bind "$root" tree
mkfs.ext4 -q -F -L root -m 0 -d tree root.ext4 1G
(cd tree && find . | cpio --quiet -o -H newc) > root.cpio
umount tree
rmdir tree
HOOK
here=$here mmdebstrap --quiet --variant=essential --format=null \
  --include=linux-image-cloud-amd64,initramfs-tools,systemd-sysv,udev,kmod,iproute2 \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook='sh hook.sh "$1"' bookworm > /dev/null
rm hook.sh

# In vmlinuz is an LZ4 stream that begins with an ELF; what follows it is none.
magic=$(printf '\002!L\030')
at=$(LC_ALL=C grep -abo -m 1 -F "$magic" vmlinuz | head -n 1 | cut -d : -f 1)
tail -c +$((at + 1)) vmlinuz | lz4 -dcq > vmlinux 2> /dev/null || true
rm vmlinuz
[ "$(head -c 4 vmlinux | tail -c 3)" = ELF ]

start_files() {
  name=$1 initramfs=$2 memory=$3 parameters="console=ttyS0 reboot=k panic=-1 $4"
  cat > "run-$name-firecracker.json" <<JSON
{
  "boot-source": {
    "kernel_image_path": "vmlinux",
    "initrd_path": "$initramfs",
    "boot_args": "$parameters"
  },
  "machine-config": { "vcpu_count": 1, "mem_size_mib": $memory },
  "drives": [$5]
}
JSON
  cat > "run-$name-cloud-hypervisor.json" <<JSON
{
  "payload": {
    "kernel": "vmlinux",
    "initramfs": "$initramfs",
    "cmdline": "$parameters"
  },
  "cpus": { "boot_vcpus": 1, "max_vcpus": 1 },
  "memory": { "size": $((memory * 1048576)) },
  "disks": [$6]
}
JSON
}
start_files disk initramfs 512 "root=/dev/vda rw" \
  '{ "drive_id": "root", "path_on_host": "root.ext4", "is_root_device": false }' \
  '{ "path": "root.ext4", "image_type": "Raw" }'
start_files ram root.cpio 1536 "" "" ""
