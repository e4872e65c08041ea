import { cacheHome } from "./cache.ts";
import type { GuestImage } from "./guest_image.ts";

/** A word that a POSIX shell reads as exactly this text. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * The number that a machine's addresses end in: the digits at the end of its
 * name, else one made of the name.
 */
export function machineNumber(name: string): number {
  const digits = Number(/\d+$/.exec(name)?.[0] ?? NaN);
  if (digits >= 1 && digits <= 99) return digits;
  let hash = 0;
  for (const byte of new TextEncoder().encode(name)) {
    hash = (hash * 31 + byte) % 9973;
  }
  return 100 + hash % 150;
}

/**
 * The text of a start script: it honours what NixOS's scripts do, so that any
 * driver of these can run it, and it can be called by hand.
 */
export function startScript(
  image: GuestImage,
  machine: string,
  number = machineNumber(machine),
): string {
  const parameters = [
    ...image.kernelParameters,
    `vmwright.name=${machine}`,
    // systemd's own name for the same; others ignore it.
    `systemd.hostname=${machine}`,
  ].join(" ");
  const hex = number.toString(16).padStart(2, "0");
  return `#!/bin/bash
# Starts the guest "${image.name}" as the machine "${machine}".
set -eu

name=${quoted(machine)}
# A comma ends an option of QEMU unless it is doubled.
escaped() { printf %s "\${1//,/,,}"; }
${
    image.disk === undefined ? "" : `
disk=$(readlink -f -- "\${NIX_DISK_IMAGE:-./$name.qcow2}")
[ -e "$disk" ] || cp -- ${quoted(image.disk)} "$disk"
`
  }
if [ -z "\${TMPDIR:-}" ] || [ -z "\${USE_TMPDIR:-}" ]; then
  TMPDIR=$(mktemp -d -t "vm-$name.XXXXXXXXXX")
fi
export TMPDIR
shared=\${SHARED_DIR:-$TMPDIR/xchg}
mkdir -p -- "$TMPDIR/xchg" "$shared"
cd -- "$TMPDIR"

# Hardware virtualisation only where a guest was seen to run with it.
accelerator=\${VMWRIGHT_ACCEL:-}
finding=${quoted(`${cacheHome()}/accelerator`)}
if [ -z "$accelerator" ] && [ -r "$finding" ]; then
  read -r boot found < "$finding" || true
  read -r now < /proc/sys/kernel/random/boot_id
  [ "$boot" != "$now" ] || accelerator=$found
fi
case $accelerator in
  kvm) machine=(-accel kvm -cpu max) ;;
  *) machine=(-accel tcg) ;;
esac

network=(
  -net nic,netdev=user.0,model=virtio
  -netdev "user,id=user.0\${QEMU_NET_OPTS:+,$QEMU_NET_OPTS}"
  # Nobody boots from the network, and looking for the firmware takes time.
  -global virtio-net-pci.romfile=
)
for variable in $(compgen -v QEMU_VDE_SOCKET_ | sort -t _ -k 4 -n); do
  vlan=\${variable#QEMU_VDE_SOCKET_}
  case $vlan in "" | *[!0-9]*) continue ;; esac
  mac=$(printf 52:54:00:12:%02x:${hex} "$((vlan % 256))")
  network+=(
    -netdev "vde,id=vlan$vlan,sock=$(escaped "\${!variable}")"
    -device "virtio-net-pci,netdev=vlan$vlan,mac=$mac"
  )
done

command=(
  qemu-system-x86_64
  -name "$name"
  -M pc "\${machine[@]}" -m ${image.memory}
  "\${network[@]}"
  -virtfs "local,path=$(escaped "$shared"),security_model=none,mount_tag=shared"${
    image.disk === undefined ? "" : `
  -drive "file=$(escaped "$disk"),if=virtio,format=qcow2,cache=unsafe,discard=unmap"`
  }
  -kernel ${quoted(image.kernel)}
  -initrd ${quoted(image.initrd)}
  -append ${quoted(parameters)}"\${QEMU_KERNEL_PARAMS:+ $QEMU_KERNEL_PARAMS}"
)
# Called by hand without a display, the terminal is the guest's.
if [ $# -eq 0 ] && [ -z "\${QEMU_OPTS:-}\${DISPLAY:-}" ]; then
  command+=(-nographic -no-reboot)
fi

# Options in the environment are meant to be split.
# shellcheck disable=SC2206
command+=(\${QEMU_OPTS:-} "$@")
if [ -n "\${VMWRIGHT_GUEST_FORK:-}" ]; then
  # As scripts of other makers do: QEMU as the script's child.
  status=0
  "\${command[@]}" || status=$?
  exit "$status"
fi
exec "\${command[@]}"
`;
}
