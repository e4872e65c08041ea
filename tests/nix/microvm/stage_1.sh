#!/bin/busybox sh
# The first process of a microVM: mounts what NixOS would, by the same labels, and goes on there.
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
[ -e /sys/bus/pci/devices/0000:00:00.0 ] || modprobe virtio_mmio
modprobe -a virtio_pci virtio_blk virtio_net virtio_rng ext4 erofs overlay \
  vmw_vsock_virtio_transport

for parameter in $(cat /proc/cmdline); do
  case $parameter in init=*) init=${parameter#init=} ;; esac
done
# The first path in a store is in it.
store=${init%/*/*}

# Nothing tells when a disk is there whose driver has been loaded.
label() { until findfs "LABEL=$1" 2>/dev/null; do sleep 0.05; done; }
mount -t ext4 "$(label nixos)" /root
mkdir -p /root/nix/.ro-store /root/nix/.rw-store "/root$store"
mount -t erofs -o ro "$(label nix-store)" /root/nix/.ro-store
mount -t tmpfs tmpfs /root/nix/.rw-store
mkdir /root/nix/.rw-store/upper /root/nix/.rw-store/work
mount -t overlay overlay "/root$store" -o \
  lowerdir=/root/nix/.ro-store,upperdir=/root/nix/.rw-store/upper,workdir=/root/nix/.rw-store/work

mkdir -p /root/proc /root/sys /root/dev
for directory in proc sys dev; do mount -o move /$directory /root/$directory; done
exec switch_root /root "$init"
