#!/bin/bash
# Makes the file system of the guest, as root or as what looks like it.
# Called with the archive of the packages, the files to lay over them, the
# release of the kernel, the image to write and its size.
set -euo pipefail
archive=$1 overlay=$2 release=$3 image=$4 size=$5

tree=$image.tree
mkdir "$tree"
tar --extract --numeric-owner --exclude='./dev/*' --file="$archive" \
  --directory="$tree"
cp --recursive --no-preserve=ownership -- "$overlay/." "$tree/"
chroot "$tree" depmod "$release"

chroot "$tree" systemctl --quiet enable \
  backdoor.service serial-shell.service x11.service x11-window.service \
  current-graphical.target nginx.service getty@tty1.service
chroot "$tree" systemctl --quiet set-default graphical.target
chroot "$tree" systemctl --quiet mask \
  serial-getty@ttyS0.service serial-getty@hvc0.service \
  dpkg-db-backup.timer e2scrub_all.timer fstrim.timer logrotate.timer \
  e2scrub_reap.service systemd-pcrphase.service \
  systemd-pcrphase-sysinit.service systemd-random-seed.service \
  keyboard-setup.service console-setup.service \
  modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service \
  modprobe@efi_pstore.service modprobe@fuse.service modprobe@loop.service \
  sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
  sys-fs-fuse-connections.mount dev-hugepages.mount dev-mqueue.mount \
  systemd-journal-flush.service systemd-update-utmp.service \
  systemd-update-utmp-runlevel.service

# Each generator is a process at every start and every reload of systemd.
generators=$tree/etc/systemd/system-generators
mkdir --parents "$generators"
for generator in "$tree"/lib/systemd/system-generators/*; do
  case ${generator##*/} in
    systemd-debug-generator | systemd-fstab-generator) ;;
    *) ln --symbolic /dev/null "$generators/${generator##*/}" ;;
  esac
done

chroot "$tree" passwd --quiet --delete root
chroot "$tree" useradd --create-home --shell /bin/bash --uid 1000 alice
echo "alice:foobar" | chroot "$tree" chpasswd
# A first boot takes longer.
echo 6a3f1f0d5c684d0c8e1d2b7a90c4e5f1 > "$tree/etc/machine-id"
ln --symbolic --force /proc/mounts "$tree/etc/mtab"
rm --recursive --force "$tree/var/cache/apt" "$tree/var/lib/apt/lists" \
  "$tree/var/log/journal"
touch "$tree/etc/.updated" "$tree/var/.updated"

mkfs.ext4 -q -L root -m 0 -O ^metadata_csum -E lazy_itable_init=0 \
  -d "$tree" "$image" "$size"
rm --recursive "$tree"
